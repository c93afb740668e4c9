"""Write a sample sheet and a config of a few lines from the files of a dataset: config/samples.tsv, config/config.yaml.

Formats, modalities, genome and common barcodes are read from the files. What they do not say is asked for, not guessed;
files that are there are never overwritten.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from grnformer.cli.config import CHECKOUT, SCENARIOS
from grnformer.cli.shown import TYPE_COLUMNS, Shown, first_fragments, look_at_all
from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.core.places import split_place
from grnformer.core.resources import fetch
from grnformer.genome.guess import guess_build, species_of_genes, species_of_genome
from grnformer.genome.tss import read_tss
from grnformer.prep.feature_types import GENES
from grnformer.prep.features import as_atac, as_rna, select_features
from grnformer.prep.pairing import spell_alike
from grnformer.report.text import format_count
from grnformer.settings.read import complete, preset_of
from grnformer.workflow.config import (
    locate,
    read_registry,
    read_samples,
    resource_name,
)
from grnformer.workflow.corpora import TAKEN

SHEET, CONFIG = Path("config/samples.tsv"), Path("config/config.yaml")
COLUMNS = ("dataset", "sample", "donor", "rna", "atac", "fragments", "genome", "annotation")  # fmt: skip
DEEP = "10x_multiome"  # preset for data whose median cell passes its bounds
_WHY = {"preset": "QC bounds of this depth", "counts": "corrected for ambient RNA"}
_PAIRED, _UNPAIRED = 0.5, 0.1  # of the smaller set of barcodes
_LEAST_REGIONS = 2000  # to tell a build by


def init(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="RNA and ATAC of each sample, or RNA alone; cell types, if any",
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(help="its name", show_default="the folder that holds the files"),
    ] = "",
    genome: Annotated[
        str, typer.Option(help="hg38, mm10, ...", show_default="read from the files")
    ] = "",
    rna_alone: Annotated[
        bool, typer.Option("--rna-alone", help="there is no ATAC of these cells")
    ] = False,
    round_counts: Annotated[
        bool,
        typer.Option(
            "--round-counts",
            help="RNA was corrected for ambient RNA (SoupX, decontX, CellBender): round it",
        ),
    ] = False,
) -> None:
    """Write both files.

    Raises
    ------
    InputError
        If one is there, a file cannot be read, or it is not clear what belongs together or which genome it is.
    """
    for path in (SHEET, CONFIG):
        if path.exists():
            raise InputError(
                f"{path} is there already",
                "a folder without one: nothing is overwritten",
                "run in another folder, or move the file away",
            )
    shown = look_at_all(files)
    for one in shown:
        _say(one.path, _describe(one))
    name = dataset or _name(_folder_of(files).name)
    _say("dataset", f"{name}: results will be in results/{name}")

    samples = alone(shown) if rna_alone else pair(shown)
    settings = complete({})
    rows = []
    read = cache(read_tss)  # once, not for each sample
    names = sample_names([rna.path for rna, *_ in samples])
    for (rna, atac, annotation), sample in zip(samples, names, strict=True):
        tables = tss_tables(rna.names, settings, genome, rna.path, read)
        of = genome or (_build_of(atac, tables) if atac else _only_build(tables))
        checked = _Sample(rna, atac, annotation, of, tables[of], rounded=round_counts)
        rows.append(checked.row(name, sample))
    if len({row["genome"] for row in rows}) > 1:
        raise InputError(
            f"samples of the genomes {sorted({row['genome'] for row in rows})}",
            "one genome a dataset",
            "run grnformer init for each by itself, in its own folder",
        )
    prep = {"preset": _preset(samples), "counts": "round" if round_counts else ""}
    _write(rows, settings, {key: value for key, value in prep.items() if value})


class _Sample:
    """One sample: its files are read as the stage prep reads them, which refuses what prep would refuse."""

    def __init__(
        self,
        rna: Shown,
        atac: Shown | None,
        annotation: Shown | None,
        genome: str,
        tss: pd.DataFrame,
        *,
        rounded: bool,
    ) -> None:
        self.files = (rna, atac, annotation)
        self.genome = genome
        least = complete({})["prep"]["min_known_genes"]
        self.cells = as_rna(
            rna.data, tss, str(rna.path), min_known_genes=least, rounded=rounded
        )
        if atac:
            self._check_paired(rna, atac)

    def _check_paired(self, rna: Shown, atac: Shown) -> None:
        theirs = _barcodes(atac)
        ours = self.cells.obs_names
        spelt = spell_alike(theirs, ours, str(atac.path), min_overlap=_PAIRED)
        shared = int(spelt.isin(ours).sum())
        # of fragments only the first were read
        fraction = shared / min(len(ours), len(theirs))
        _say(
            "barcodes", f"{shared:,} of {len(ours):,} cells of the RNA are in the ATAC"
        )
        if shared == 0 or (fraction < _PAIRED and atac.kind != "fragments"):
            raise InputError(
                f"{rna.path} and {atac.path} share {shared} barcodes (such as {ours[0]!r} and {theirs[0]!r})",
                "RNA and ATAC of the same cells",
                "give the two files of one sample. Barcodes of two lists need prep.barcode_table, different cells of "
                "the same types prep.pairing: pseudocells; both a sheet by hand: docs/add-a-dataset.md",
            )

    def row(self, dataset: str, sample: str) -> dict[str, str]:
        """Its line of the sheet."""
        rna, atac, annotation = self.files
        types = str(annotation.path) if annotation else ""
        columns = [name for name in TYPE_COLUMNS if name in self.cells.obs]
        if not types and len(columns) == 1:
            types = f"obs:{columns[0]}"
            _say("cell types", f"column {columns[0]} of {rna.path}")
        elif not types and len(self.cells.obs.columns):
            named = ", ".join(map(str, self.cells.obs.columns))
            _say(
                "cell types",
                f"not given; if one of the columns {named} has them, write obs:<column> into the sheet",
            )
        chromatin = {"atac": "", "fragments": ""}
        if atac:
            kind = "fragments" if atac.kind == "fragments" else "atac"
            chromatin[kind] = _place(atac.path)
        return {
            "dataset": dataset,
            "sample": sample,
            "donor": "",
            "rna": _place(rna.path),
            **chromatin,
            "genome": self.genome,
            "annotation": _place(Path(types)) if annotation else types,
        }


def alone(shown: Sequence[Shown]) -> list[tuple[Shown, None, Shown | None]]:
    """RNA and annotation of each sample of which there is no ATAC; of a file with both, its RNA.

    Raises
    ------
    InputError
        If there is no RNA, or ATAC is shown besides.
    """
    rna = [one for one in shown if one.kind in ("rna", "both")]
    # of a MuData the RNA is taken, as of any file with both
    with_rna = {_file(one) for one in rna}
    other = [
        one
        for one in shown
        if one.kind in ("atac", "fragments") and _file(one) not in with_rna
    ]
    if other or not rna:
        raise InputError(
            f"--rna-alone, and {_name_kinds(other or shown)}",
            "files with RNA, and tables of cell types",
            "leave --rna-alone out, or the files that are not RNA",
        )
    return [(one, None, _types_of(one, rna, shown)) for one in rna]


def pair(shown: Sequence[Shown]) -> list[tuple[Shown, Shown, Shown | None]]:
    """RNA, ATAC and annotation of each sample: alone of their kind, in one folder, or by their barcodes.

    Raises
    ------
    InputError
        If one lacks its partner, or partners are not clear.
    """
    both = [one for one in shown if one.kind == "both"]
    rna = both + [one for one in shown if one.kind == "rna"]
    atac = both + [one for one in shown if one.kind in ("atac", "fragments")]
    if both and len(both) < sum(one.kind != "annotation" for one in shown):
        raise InputError(
            f"{both[0].path} holds RNA and ATAC, and other files are given beside it",
            "files with both, or RNA and ATAC apart",
            "leave the others out, or give each sample's files by themselves",
        )
    if not rna or len(rna) != len(atac):
        raise InputError(
            f"{format_count(len(rna), 'file')} with RNA and {len(atac)} with ATAC: {_name_kinds(shown)}",
            "RNA counts and ATAC counts or fragments of the same cells, two files or one for each sample",
            "give the missing files, or name the modality or matrix behind a colon (cells.h5mu:GEX, cells.h5ad:raw)"
            + ("" if atac else "; if there is no ATAC of these cells, add --rna-alone"),
        )
    partners = [_partner(one, rna, atac) for one in rna]
    return [
        (one, other, _types_of(one, rna, shown))
        for one, other in zip(rna, partners, strict=True)
    ]


def _types_of(one: Shown, rna: Sequence[Shown], shown: Sequence[Shown]) -> Shown | None:
    """The annotation of a sample: that in its folder, or the only sample's."""
    types = [other for other in shown if other.kind == "annotation"]
    near = [t for t in types if len(rna) == 1 or t.path.parent == one.path.parent]
    if len(near) > 1:
        raise InputError(
            f"{len(near)} annotations for {one.path}: {', '.join(str(t.path) for t in near)}",
            "one table of barcode and cell type for a sample",
            "leave the others out",
        )
    return near[0] if near else None


def _file(one: Shown) -> str:
    return split_place(one.path)[0]


def _name_kinds(shown: Sequence[Shown]) -> str:
    return "; ".join(f"{one.path} ({one.kind})" for one in shown)


def _partner(one: Shown, rna: Sequence[Shown], atac: Sequence[Shown]) -> Shown:
    if one.kind == "both":
        return one
    if len(atac) == 1:
        return atac[0]
    same = [other for other in atac if _file(other) == _file(one)]
    if len(same) == 1:
        return same[0]
    folder = _whole(one.path).parent
    here = [other for other in atac if _whole(other.path).parent == folder]
    beside = [other for other in rna if _whole(other.path).parent == folder]
    if len(here) == len(beside) == 1:
        return here[0]

    ours = _barcodes(one)
    overlaps = []
    for other in atac:
        theirs = _barcodes(other)
        alike = spell_alike(theirs, ours, str(other.path), min_overlap=_PAIRED)
        overlaps.append(alike.isin(ours).sum() / min(len(ours), len(theirs)))
    order = sorted(range(len(atac)), key=lambda i: -overlaps[i])
    if overlaps[order[0]] < _PAIRED or overlaps[order[1]] > _UNPAIRED:
        raise InputError(
            f"{one.path} shares these fractions of its barcodes: "
            + ", ".join(f"{atac[i].path} {overlaps[i]:.0%}" for i in order),
            "one ATAC file with most of them, and none in the others",
            "put the files of each sample into a folder of its own, or write the sheet by hand: docs/add-a-dataset.md",
        )
    return atac[order[0]]


def _barcodes(one: Shown) -> pd.Index:
    """Of cells: in the rows, or in the columns of a text matrix of regions."""
    if one.barcodes is not None or one.data is None:
        return pd.Index([]) if one.barcodes is None else one.barcodes
    return (
        as_atac(one.data, str(one.path)).obs_names
        if one.kind == "atac"
        else one.data.obs_names
    )


def tss_tables(
    names: Sequence[pd.Index],
    settings: dict[str, Any],
    genome: str,
    path: Path,
    read: Callable[[Path], pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """Genome -> TSS table, of the genomes that the genes may be of; fetched to resources/, as a run does.

    Raises
    ------
    InputError
        If the genome is not declared, the species is not clear, or a table cannot be had.
    """
    genomes = settings["genomes"]
    if genome and genome not in genomes:
        raise InputError(
            f"--genome {genome}",
            f"one of {', '.join(genomes)}",
            "for another, write the config by hand, with its TSS table under `genomes`: docs/add-a-dataset.md",
        )
    species = next(filter(None, map(species_of_genes, names)), "")
    if not (genome or species):
        raise InputError(
            f"{path}: names such as {names[0][:3].tolist()} are clearly neither of human nor of mouse genes",
            "symbols or Ensembl ids of human or mouse",
            f"name the genome: --genome, one of {', '.join(genomes)}; for others see docs/add-a-dataset.md",
        )
    _say("species", species or "not told by the names of the genes")
    wanted = [genome] if genome else [g for g in genomes if species_of_genome(g) == species]  # fmt: skip
    registry = read_registry(locate(settings["resources"]["registry"], CHECKOUT))
    tables = {}
    for each in wanted:
        reference = genomes[each]["tss"]
        name = resource_name(reference)
        place = Path("resources") / name if name else Path(locate(reference, CHECKOUT))
        if name:
            place.parent.mkdir(exist_ok=True)
            fetch(name, registry[name], place, settings["resources"]["mirror"])
        tables[each] = read(place)
    return tables


def _build_of(atac: Shown, tables: dict[str, pd.DataFrame]) -> str:
    where = str(atac.path)
    by_fragments = atac.kind == "fragments"
    regions = (
        first_fragments(atac.path) if by_fragments else as_atac(atac.data, where).var
    )
    if len(regions) < _LEAST_REGIONS:
        raise InputError(
            f"{where}: {len(regions)} regions are too few to tell the genome build by",
            f"{_LEAST_REGIONS:,} or more",
            f"name it: --genome, one of {', '.join(tables)}",
        )
    genome, fold = guess_build(regions, tables, where)
    _say(
        "genome",
        f"{genome}: its TSSs are hit {fold:.1f} times as often as places beside them",
    )
    return genome


def _only_build(tables: dict[str, pd.DataFrame]) -> str:
    """The genome of RNA alone: where a species has several builds, nothing in RNA tells them apart."""
    if len(tables) > 1:
        raise InputError(
            f"RNA alone, whose genes are in {len(tables)} builds of the genome: {', '.join(tables)}",
            "one; RNA does not tell which",
            f"name that of the reference which the reads were mapped to: --genome {next(iter(tables))}",
        )
    (genome,) = tables
    _say("genome", f"{genome}, the only build of this species that is declared")
    return genome


def _preset(samples: Sequence[tuple[Shown, Shown | None, Shown | None]]) -> str:
    """The preset of 10x Multiome if the median cell of every sample has the counts that it asks for; else none."""
    bounds = preset_of({"prep": {"preset": DEEP}})["prep"]["cells"]
    for rna, *_ in samples:
        depth = float(pd.Series(_totals(rna)).median())
        if depth < bounds["min_umis"]:
            _say(
                "depth",
                f"median {depth:,.0f} UMIs a cell: bounds of the defaults, not of the preset {DEEP}",
            )
            return ""
        _say("depth", f"median {depth:,.0f} UMIs a cell: the preset {DEEP}")
    return DEEP


def _totals(rna: Shown) -> Any:
    if rna.data is None:
        return [0.0]
    genes = select_features(rna.data, GENES, str(rna.path))
    # a text matrix may have its cells in columns
    return genes.X.sum(axis=0 if species_of_genes(genes.obs_names) else 1).A1


def _write(
    rows: list[dict[str, str]], settings: dict[str, Any], prep: dict[str, str]
) -> None:
    sheet = pd.DataFrame(rows, columns=list(COLUMNS))
    lines = [
        "# Networks and their report; every other key has the default that docs/settings.md lists.",
        "# Models besides: grnformer run --config models; other scenarios: config/scenarios of the workflow.",
        f"samples: {SHEET}",
    ]
    if prep:
        lines += ["prep:", *(f"  {k}: {v} # {_WHY[k]}" for k, v in prep.items())]
    lines += ["report:", f"  title: Networks of {rows[0]['dataset']}"]

    SHEET.parent.mkdir(exist_ok=True)
    with io.atomic(SHEET) as temporary:
        temporary.write_text(sheet.to_csv(sep="\t", index=False), encoding="utf-8")
        registry = read_registry(locate(settings["resources"]["registry"], CHECKOUT))
        # nothing is left behind that a run would refuse
        read_samples(temporary, settings, registry, CHECKOUT)
    with io.atomic(CONFIG) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")

    species = species_of_genome(rows[0]["genome"])
    extra = f" --config {species}" if (SCENARIOS / f"{species}.yaml").is_file() else ""
    sys.stdout.write(
        f"Written: {SHEET} ({format_count(len(rows), 'sample')}), {CONFIG}\n"
    )
    sys.stdout.write(f"Next: grnformer check{extra}, grnformer run{extra}\n")


def _describe(one: Shown) -> str:
    words = {
        "rna": "RNA counts",
        "atac": "ATAC counts in regions",
        "both": "RNA and ATAC counts",
        "fragments": "ATAC fragments",
        "annotation": "barcodes and cell types",
    }
    size = f", {one.data.n_obs:,} x {one.data.n_vars:,}" if one.data is not None else ""
    return words[one.kind] + size


def _say(what: object, found: str) -> None:
    sys.stdout.write(f"{what}: {found}\n")


def _name(text: str) -> str:
    """A name of letters, digits, _ . - from that of a folder or file."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.-") or "cells"
    return f"{name}_cells" if name in TAKEN else name


def _whole(path: Path) -> Path:
    """From the root, links as they are named: the place where someone put a file says more than where it lies."""
    return Path(os.path.abspath(path))


def _folder_of(files: Sequence[Path]) -> Path:
    """The innermost folder around all files."""
    return Path(os.path.commonpath([_whole(path).parent for path in files]))


def sample_names(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its own, or that of the first folder around it by which all differ."""
    whole = [_whole(path) for path in paths]
    for level in range(min(len(path.parts) for path in whole) - 1):
        names = [_name(path.parts[-1 - level].split(".")[0]) for path in whole]
        if len(set(names)) == len(names):
            return names
    return [f"sample_{i + 1}" for i in range(len(paths))]


def _place(path: Path) -> str:
    """A path from here if it lies below, else from the root."""
    whole = _whole(path)
    return (
        str(whole.relative_to(Path.cwd()))
        if whole.is_relative_to(Path.cwd())
        else str(whole)
    )
