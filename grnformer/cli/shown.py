"""What the files are that `grnformer init` is shown: by their content, never by what they are called alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import anndata
import pandas as pd

from grnformer.core.errors import InputError
from grnformer.core.places import join_place, split_place
from grnformer.core.text import open_text, separator_of
from grnformer.genome.regions import region_fraction
from grnformer.prep.feature_types import GENES, KINDS, PEAKS
from grnformer.prep.features import select_features
from grnformer.prep.formats import read_matrix, reading
from grnformer.prep.stored_counts import modalities_of

Kind = Literal["rna", "atac", "both", "fragments", "annotation"]
_TEXT = (".csv", ".tsv", ".txt", ".bed", ".tsv.gz", ".csv.gz", ".txt.gz", ".bed.gz")
_LOOKED_AT = 200  # lines of a text
_FEW, _MOST = 0.05, 0.5  # fraction of names like regions, in RNA and in ATAC
#: columns of obs that are taken as cell types, where one alone is there
TYPE_COLUMNS = ("cell_type", "celltype", "cell_types", "CellType", "cell.type")


@dataclass(frozen=True)
class Shown:
    """A file and what it is. `data`: of a matrix, as it is stored; `barcodes`: of fragments and annotations."""

    path: Path
    kind: Kind
    data: anndata.AnnData | None = None
    barcodes: pd.Index | None = None

    @property
    def names(self) -> list[pd.Index]:
        """What may be names of genes: of the columns, gene ids, and of a text matrix also of the rows."""
        if self.data is None:
            return []
        genes = select_features(self.data, GENES, str(self.path)).var
        found = [genes.index]
        if "gene_id" in genes:
            found.append(pd.Index(genes["gene_id"].astype(str)))
        if self.path.name.lower().endswith(_TEXT):
            found.append(self.data.obs_names)
        return found


def look_at_all(paths: Iterable[Path]) -> list[Shown]:
    """Read files and say what they are; of a MuData each modality by itself, or `rna` and `atac` where it has both.

    Raises
    ------
    InputError
        See `look_at`.
    """
    return [look_at(part) for path in paths for part in _parts(path)]


def _parts(path: Path) -> list[Path]:
    if path.suffix.lower() != ".h5mu" or not path.is_file():
        return [path]
    with reading(path):
        there = modalities_of(path)
    named = ["rna", "atac"] if {"rna", "atac"} <= set(there) else there
    return [Path(join_place(str(path), name)) for name in named] or [path]


def look_at(path: Path) -> Shown:
    """Read a file, or the matrix in it that is named behind a colon, and say what it is.

    Raises
    ------
    InputError
        If it is not there, cannot be read, or might be several things.
    """
    if not Path(split_place(path)[0]).exists():
        raise InputError(f"no file or folder {path}", "files of the data", "correct the path")  # fmt: skip
    if path.is_file() and path.name.lower().endswith(_TEXT):
        rows = _first_rows(path)
        if _are_fragments(rows):
            return Shown(path, "fragments", barcodes=_fragment_barcodes(path))
        if all(len(row) == 2 for row in rows) and not _are_numbers(rows[1:]):
            return Shown(path, "annotation", barcodes=pd.Index([r[0] for r in rows]))

    data = read_matrix(path)
    return Shown(path, _kind_of(data, path), data)


def _kind_of(data: anndata.AnnData, path: Path) -> Kind:
    if "feature_type" in data.var:
        stated = set(data.var["feature_type"].astype(str))
        kinds = {KINDS.get(kind.strip().lower(), "") for kind in stated}
        if {GENES, PEAKS} <= kinds:
            return "both"
        if kinds & {GENES, PEAKS}:
            return "rna" if GENES in kinds else "atac"

    regions = max(region_fraction(data.var_names), region_fraction(data.obs_names))
    if regions >= _MOST:
        return "atac"
    if regions <= _FEW:
        return "rna"
    raise InputError(
        f"{path}: {regions:.0%} of the features are named like regions, such as {data.var_names[-1]!r}",
        "genes or regions; or both, with var['feature_types'] saying which is which",
        "write 'Gene Expression' and 'Peaks' into var['feature_types']",
    )


def _first_rows(path: Path) -> list[list[str]]:
    separator = separator_of(path)
    with open_text(path, "the file shown") as handle:
        lines = (line.decode("utf-8", "replace").rstrip("\r\n") for line in handle)
        kept = (line for line in lines if line and not line.startswith("#"))
        rows = [line.split(separator) for line in islice(kept, _LOOKED_AT)]
    if not rows:
        raise InputError(f"{path} holds no line", "data", "give another file")
    return rows


def _are_fragments(rows: list[list[str]]) -> bool:
    """Chromosome, start, end, barcode and mostly a count of reads."""
    return all(
        len(row) in (4, 5) and row[1].isdigit() and row[2].isdigit() for row in rows
    ) and not _are_numbers([[row[0], row[3]] for row in rows])


def _are_numbers(rows: list[list[str]]) -> bool:
    """Whether the second of two fields is a number in most rows."""
    numbers = sum(row[1].replace(".", "", 1).strip("-").isdigit() for row in rows)
    return bool(rows) and numbers > len(rows) / 2


def _fragment_barcodes(path: Path, most: int = 500_000) -> pd.Index:
    return pd.Index(pd.unique(first_fragments(path, most)["barcode"]))


def first_fragments(path: Path, most: int = 500_000) -> pd.DataFrame:
    """``chrom, start, end, barcode`` of the first fragments."""
    with open_text(path, "the file shown") as handle:
        lines = (line.decode().split("\t") for line in handle if line[:1] != b"#")
        rows: Iterable[list[str]] = islice(lines, most)
        table = pd.DataFrame([row[:4] for row in rows], dtype=str)
    table.columns = pd.Index(["chrom", "start", "end", "barcode"])
    table["barcode"] = table["barcode"].str.strip()
    return table.astype({"start": "int64", "end": "int64"})
