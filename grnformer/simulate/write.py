"""Write a simulation as the files that a user would bring: `write_simulation`."""

from __future__ import annotations

import gzip
import io as text_io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from grnformer.core import contracts, io
from grnformer.simulate.fragments import draw_fragments
from grnformer.simulate.multiome import Simulation

if TYPE_CHECKING:
    import pandas as pd

DATASET = "simulated"
GENOME = "simulated"


def write_simulation(
    simulation: Simulation, folder: str | Path, *, labels: bool = True, fragments: bool = False
) -> dict[str, Any]:
    """Write a simulated dataset and the scenario that runs the workflow on it.

    Parameters
    ----------
    simulation
        What to write.
    folder
        Filled with rna.h5ad, atac.h5ad, annotation.tsv, tss.tsv.gz, tfs.txt, prior.parquet, genome.fa,
        motifs.meme, motifs.jaspar, motif_tfs.tsv, fragments.tsv.gz (optional), vocabulary.json,
        chip_targets.json, samples.tsv, truth.parquet and config.yaml.
    labels
        Whether the sample sheet names the annotation; without it the workflow clusters the cells.
    fragments
        Whether the sample sheet gives fragments (gzip without index) in place of the counts in regions.

    Returns
    -------
    dict
        The scenario written to config.yaml: only what differs from config/config.yaml. Paths are absolute.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (("rna", simulation.rna), ("atac", simulation.atac)):
        with io.atomic(folder / f"{name}.h5ad") as path:
            data.write_h5ad(path, compression="gzip")
    contracts.check(simulation.tss, "tss", where="simulated tss")
    _write_text(simulation.tss.to_csv(sep="\t", index=False), folder / "tss.tsv.gz")
    _write_text(simulation.annotation.to_csv(sep="\t", index=False), folder / "annotation.tsv")
    _write_text("".join(f"{tf}\n" for tf in simulation.tfs), folder / "tfs.txt")
    _write_parquet(simulation.prior, folder / "prior.parquet")
    io.write_table(simulation.edges, folder / "truth.parquet", "simulated_edges")
    _write_text(_fasta(simulation.genome), folder / "genome.fa")
    _write_text(_meme(simulation.motifs), folder / "motifs.meme")
    _write_text(_jaspar(simulation.motifs), folder / "motifs.jaspar")
    _write_text("motif\ttf\n" + "".join(f"{tf}_motif\t{tf}\n" for tf in simulation.tfs), folder / "motif_tfs.tsv")
    _write_text(json.dumps(_vocabulary(simulation), indent=0), folder / "vocabulary.json")
    _write_text(json.dumps(_chip_targets(simulation.edges), indent=0), folder / "chip_targets.json")
    if fragments:
        _write_text(_fragments(simulation), folder / "fragments.tsv.gz")
    _write_text(_sample_sheet(folder, labels, fragments), folder / "samples.tsv")
    scenario = _scenario(folder, sorted(set(simulation.annotation["cell_type"])) if labels else [])
    _write_text(yaml.safe_dump(scenario, sort_keys=False), folder / "config.yaml")
    return scenario


def _scenario(folder: Path, types: list[str]) -> dict[str, Any]:
    """The overlay over config/config.yaml: inputs here instead of the demo's, and limits that a small set can meet.

    `types` are the cell types that have a truth to be scored against; without a drug screen, none is scored.
    """
    return {
        "samples": str(folder / "samples.tsv"),
        "genomes": {GENOME: {"tss": str(folder / "tss.tsv.gz")}},
        "topics": {"n_topics": [4, 8]},
        "grn": {
            "tfs": {"lists": [str(folder / "tfs.txt")]},
            "region_gene": {"accessibility": "binary"},
            "cistromes": {"prior": {"table": str(folder / "prior.parquet")}},
            # Counts deep enough to choose targets by themselves, as in SCENIC+.
            "eregulons": {"sign_from_evidence": False, "keep_known_targets": False, "min_targets": 3},
            "cell_type": {"min_rss_quantile": 0.5},
        },
        "fuse": {"vocabulary": str(folder / "vocabulary.json")},
        "bench": {
            "grn_accuracy": {
                "lines": [{"dataset": DATASET, "cell_type": name, "line": name} for name in types],
                "truth": str(folder / "chip_targets.json"),
                "tfs": str(folder / "tfs.txt"),
                "min_positives": 5,
            },
            "drug_response": {"splits": []},
        },
    }


def _sample_sheet(folder: Path, labels: bool, fragments: bool) -> str:
    columns = ["dataset", "sample", "donor", "rna", "atac", "fragments", "genome", "annotation"]
    atac = ["", str(folder / "fragments.tsv.gz")] if fragments else [str(folder / "atac.h5ad"), ""]
    annotation = str(folder / "annotation.tsv") if labels else ""
    row = [DATASET, "sample_1", "donor_1", str(folder / "rna.h5ad"), *atac, GENOME, annotation]
    return "\t".join(columns) + "\n" + "\t".join(row) + "\n"


def _vocabulary(simulation: Simulation) -> dict[str, int]:
    """A backbone vocabulary (symbol -> id) in scGPT's format: special tokens and every gene."""
    tokens = [*sorted(simulation.rna.var_names), "<pad>", "<cls>", "<eoc>"]
    return {token: number for number, token in enumerate(tokens)}


def _chip_targets(edges: pd.DataFrame) -> dict[str, list[str]]:
    """True targets of each TF in each type, in the format of the ChIP-seq truth: "TF TYPE" -> genes."""
    alive = edges.explode("cell_types")
    return {f"{tf} {name}": sorted(set(part["gene"])) for (tf, name), part in alive.groupby(["tf", "cell_types"])}


def _fasta(genome: dict[str, bytes], width: int = 80) -> str:
    lines = []
    for chrom, sequence in sorted(genome.items()):
        text = sequence.decode("ascii")
        lines.append(f">{chrom}")
        lines += [text[i : i + width] for i in range(0, len(text), width)]
    return "\n".join(lines) + "\n"


def _meme(motifs: dict[str, np.ndarray]) -> str:
    head = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n"
    parts = [head + "A 0.25 C 0.25 G 0.25 T 0.25\n"]
    for tf, matrix in motifs.items():
        rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in matrix)
        parts.append(
            f"MOTIF {tf}_motif {tf}\nletter-probability matrix: alength= 4 w= {len(matrix)} nsites= 100 E= 0\n{rows}\n"
        )
    return "\n".join(parts)


def _jaspar(motifs: dict[str, np.ndarray]) -> str:
    parts = []
    for tf, matrix in motifs.items():
        rows = "\n".join(
            f"{base} [ " + " ".join(str(round(value)) for value in column) + " ]"
            for base, column in zip("ACGT", 100 * matrix.T, strict=True)
        )
        parts.append(f">{tf}_motif {tf}\n{rows}\n")
    return "".join(parts)


def _fragments(simulation: Simulation) -> str:
    """10x fragments: chrom, start, end, barcode, reads; sorted by position, below a line of comment as 10x writes."""
    seed = simulation.parameters["seed"]
    table = draw_fragments(simulation, background_fraction=0.2, reads_per_fragment=1.3, seed=seed)
    return "# id=simulated\n" + table.to_csv(sep="\t", index=False, header=False)


def _write_text(text: str, path: Path) -> None:
    with io.atomic(path) as temporary:
        if path.suffix == ".gz":
            packed = text_io.BytesIO()
            with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as handle:
                handle.write(text.encode())
            temporary.write_bytes(packed.getvalue())
        else:
            temporary.write_text(text, encoding="utf-8")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    with io.atomic(path) as temporary:
        frame.to_parquet(temporary, index=False)
