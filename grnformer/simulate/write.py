"""Write a simulation as the files that a user would bring: `write_simulation`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from grnformer.core import contracts, io
from grnformer.simulate.fragments import draw_fragments
from grnformer.simulate.multiome import Simulation

DATASET = "simulated"
GENOME = "simulated"
#: settings of a run in small, for tests and tutorials: every stage, few steps, one model an arm
SMALL: dict[str, Any] = {
    "fuse": {"graphs": ["none", "random", "hybrid"]},
    "pretrain": {
        "seeds": [1],
        "heldout_repeats": 1,
        "sizes": {"tiny": {"steps": 60, "batch_size": 16}},
    },
    "bench": {"n_resamples": 100},
    "report": {"resamples": 100},
}


def write_simulation(
    simulation: Simulation,
    folder: str | Path,
    *,
    labels: bool = True,
    fragments: bool = False,
) -> dict[str, Any]:
    """Write a simulated dataset and the scenario that runs the workflow on it.

    Parameters
    ----------
    simulation
        What to write.
    folder
        Filled with rna.h5ad, atac.h5ad, annotation.tsv, tss.tsv.gz, tfs.txt, prior.parquet, genome.fa, promoters.fa,
        motifs.jaspar, motif_tfs.tsv, fragments.tsv.gz (optional), vocabulary.json, chip_targets.json, samples.tsv,
        truth.parquet and config.yaml.
    labels
        Whether the sample sheet names the annotation; without it the workflow clusters the cells.
    fragments
        Whether the sample sheet gives fragments (gzip without index) in place of the counts in regions.

    Returns
    -------
    dict
        The scenario written to config.yaml: only what differs from the default. Paths are absolute.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)

    modalities = {"rna": simulation.rna, "atac": simulation.atac}
    for name, data in modalities.items():
        with io.atomic(folder / f"{name}.h5ad") as path:
            data.write_h5ad(path, compression="gzip")

    with io.atomic(folder / "prior.parquet") as path:
        simulation.prior.to_parquet(path, index=False)
    io.write_table(simulation.edges, folder / "truth.parquet", "simulated_edges")
    contracts.check(simulation.tss, "tss", where="simulated tss")

    cell_types = sorted(set(simulation.annotation["cell_type"])) if labels else []
    scenario = _scenario(folder, cell_types)
    texts = {
        "tss.tsv.gz": simulation.tss.to_csv(sep="\t", index=False),
        "annotation.tsv": simulation.annotation.to_csv(sep="\t", index=False),
        "tfs.txt": "".join(f"{tf}\n" for tf in simulation.tfs),
        "genome.fa": _fasta(
            {
                chrom: bases.decode()
                for chrom, bases in sorted(simulation.genome.items())
            }
        ),
        "promoters.fa": _fasta(_promoters(simulation)),
        "motifs.jaspar": "".join(
            _jaspar(tf, matrix) for tf, matrix in simulation.motifs.items()
        ),
        "motif_tfs.tsv": "motif\ttf\n"
        + "".join(f"{tf}_motif\t{tf}\n" for tf in simulation.tfs),
        "vocabulary.json": json.dumps(_vocabulary(simulation), indent=0),
        "chip_targets.json": json.dumps(_chip_targets(simulation.edges), indent=0),
        "samples.tsv": _sample_sheet(folder, labels, fragments),
        "config.yaml": yaml.safe_dump(scenario, sort_keys=False),
    }
    if fragments:
        texts["fragments.tsv.gz"] = _fragments(simulation)

    for name, text in texts.items():
        content = text.encode()
        if name.endswith(".gz"):
            # without a time the same simulation gives the same bytes
            content = gzip.compress(content, mtime=0)
        with io.atomic(folder / name) as path:
            path.write_bytes(content)
    return scenario


def _scenario(folder: Path, types: list[str]) -> dict[str, Any]:
    """The scenario: inputs here instead of the demo's, and limits that a small set can meet.

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
            "eregulons": {
                "sign_from_evidence": False,
                "keep_known_targets": False,
                "min_targets": 3,
            },
            "cell_type": {"min_rss_quantile": 0.5},
            "stability": {"seeds": []},
        },
        "fuse": {"vocabulary": str(folder / "vocabulary.json")},
        "bench": {
            "grn_accuracy": {
                "lines": [
                    {"dataset": DATASET, "cell_type": name, "line": name}
                    for name in types
                ],
                "truth": str(folder / "chip_targets.json"),
                "tfs": str(folder / "tfs.txt"),
                "min_positives": 5,
            },
            "drug_response": {"splits": []},
        },
    }


def _sample_sheet(folder: Path, labels: bool, fragments: bool) -> str:
    row = {
        "dataset": DATASET,
        "sample": "sample_1",
        "donor": "donor_1",
        "rna": str(folder / "rna.h5ad"),
        "atac": "" if fragments else str(folder / "atac.h5ad"),
        "fragments": str(folder / "fragments.tsv.gz") if fragments else "",
        "genome": GENOME,
        "annotation": str(folder / "annotation.tsv") if labels else "",
    }
    header = "\t".join(row)
    values = "\t".join(row.values())
    return f"{header}\n{values}\n"


def _vocabulary(simulation: Simulation) -> dict[str, int]:
    """A backbone vocabulary (symbol -> id) in scGPT's format: special tokens and every gene."""
    tokens = [*sorted(simulation.rna.var_names), "<pad>", "<cls>", "<eoc>"]
    return {token: number for number, token in enumerate(tokens)}


def _chip_targets(edges: pd.DataFrame) -> dict[str, list[str]]:
    """True targets of each TF in each type, in the format of the ChIP-seq truth: "TF TYPE" -> genes."""
    alive = edges.explode("cell_types")
    targets = alive.groupby(["tf", "cell_types"])["gene"]
    return {f"{tf} {name}": sorted(set(genes)) for (tf, name), genes in targets}


def _promoters(simulation: Simulation) -> dict[str, str]:
    """Sequence of the region at each gene's TSS, named as the Eukaryotic Promoter Database does."""
    regions = simulation.regions
    promoters = regions[regions["promoter"]]

    sequences = {}
    for row in promoters.itertuples():
        bases = simulation.genome[row.chrom][row.start : row.end]
        sequences[f"{row.gene}_1"] = bases.decode()
    return sequences


def _fasta(sequences: dict[str, str]) -> str:
    return "".join(f">{name}\n{bases}\n" for name, bases in sequences.items())


def _jaspar(tf: str, matrix: np.ndarray) -> str:
    # whole counts of 100 sites: readers of the form expect no fractions
    counts = np.round(100 * matrix.T).astype(int)

    lines = [f">{tf}_motif {tf}"]
    for base, of_base in zip("ACGT", counts, strict=True):
        numbers = " ".join(map(str, of_base))
        lines.append(f"{base} [ {numbers} ]")
    return "\n".join(lines) + "\n\n"


def _fragments(simulation: Simulation) -> str:
    """10x fragments: chrom, start, end, barcode, reads; sorted by position, below a line of comment as 10x writes."""
    seed = simulation.parameters["seed"]
    table = draw_fragments(
        simulation,
        background_fraction=0.2,
        reads_per_fragment=1.3,
        seed=seed,
    )
    return "# id=simulated\n" + table.to_csv(sep="\t", index=False, header=False)
