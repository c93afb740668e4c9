"""A small simulated genome: genes in rows along chromosomes, regions around them, sequence with planted motifs."""

from __future__ import annotations

import numpy as np
import pandas as pd

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
REGION_WIDTH = 501
_SLOT = 1_000


def place_genes(
    genes: list[str], n_chromosomes: int, spacing: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Place genes along chromosomes, one TSS each, about `spacing` bp apart.

    Returns
    -------
    tss
        One row a gene (contract ``tss``): gene, gene_id, chrom, tss (0-based, bp), strand, biotype.
    lengths
        Chromosome lengths, bp.
    """
    order, chromosome = np.divmod(np.arange(len(genes)), n_chromosomes)

    # up to a twentieth of the spacing: regions stay nearest to their gene
    shift = rng.integers(-spacing // 20, spacing // 20 + 1, size=len(genes))
    tss = pd.DataFrame(
        {
            "gene": genes,
            "gene_id": [f"ENSG{number:011d}" for number in range(1, len(genes) + 1)],
            "chrom": [f"chr{number + 1}" for number in chromosome],
            "tss": spacing + order * spacing + shift,
            "strand": rng.choice(["+", "-"], size=len(genes)),
            "biotype": "protein_coding",
        }
    )

    last = tss.groupby("chrom")["tss"].max()
    lengths = {chrom: int(position) + spacing for chrom, position in last.items()}
    return tss, lengths


def place_regions(
    tss: pd.DataFrame, per_gene: int, spacing: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Place `per_gene` regions of 501 bp at each gene: one around its TSS, the others nearer to it than to any other.

    Returns one row a region: region (``chr1:100-601``), chrom, start, end (0-based, half-open, bp), gene, promoter.
    """
    # up to two fifths of the way to a neighbour; slot 0 is the region at the TSS
    reach = int(spacing * 0.4) // _SLOT
    slots = np.setdiff1d(np.arange(-reach, reach + 1), 0)
    if per_gene - 1 > len(slots):
        raise ValueError(
            f"{per_gene} regions a gene do not fit into a gene spacing of {spacing} bp"
        )

    rows = []
    for gene, chrom, position in zip(
        tss["gene"], tss["chrom"], tss["tss"], strict=True
    ):
        chosen = rng.choice(slots, size=per_gene - 1, replace=False)
        for slot in (0, *chosen):
            middle = position + _SLOT * slot
            start = int(middle - REGION_WIDTH // 2)
            end = start + REGION_WIDTH
            name = f"{chrom}:{start}-{end}"
            rows.append((name, chrom, start, end, gene, slot == 0))

    regions = pd.DataFrame(
        rows, columns=["region", "chrom", "start", "end", "gene", "promoter"]
    )
    return regions.sort_values(["chrom", "start"], ignore_index=True)


def draw_motifs(
    tfs: list[str], width: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw one position frequency matrix a TF: width x 4 (A, C, G, T), rows sum to 1, one base preferred each."""
    motifs = {}
    for tf in tfs:
        consensus = rng.integers(0, 4, size=width)
        preferred = np.eye(4)[consensus]
        noise = rng.dirichlet(np.ones(4), size=width)
        motifs[tf] = noise * 0.15 + 0.85 * preferred
    return motifs


def draw_genome(
    lengths: dict[str, int],
    bindings: pd.DataFrame,
    motifs: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, bytes]:
    """Draw random sequence and plant, in every bound region, one instance of each binding TF's motif.

    Parameters
    ----------
    lengths
        Chromosome lengths, bp.
    bindings
        One row a bound TF and region: tf, chrom, start, end.
    motifs
        Position frequency matrix of each TF, width x 4.

    Returns
    -------
    dict
        Chromosome name to sequence (A, C, G, T). The instances of one region do not overlap.
    """
    sequences = {}
    for chrom, length in lengths.items():
        codes = rng.integers(0, 4, size=length)
        sequences[chrom] = BASES[codes]

    for (chrom, start, end), bound in bindings.groupby(
        ["chrom", "start", "end"], sort=True
    ):
        # places on a grid as wide as the longest motif: no two instances overlap
        width = max(len(motifs[tf]) for tf in bound["tf"])
        slots = rng.choice((end - start) // width, size=len(bound), replace=False)
        places = start + slots * width
        for tf, place in zip(bound["tf"], places, strict=True):
            instance = _draw_instance(motifs[tf], rng)
            sequences[chrom][place : place + len(instance)] = BASES[instance]
    return {chrom: sequence.tobytes() for chrom, sequence in sequences.items()}


def _draw_instance(motif: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes of one instance of a motif, on either strand."""
    # A base by where a uniform number falls among the position's cumulated probabilities; rounding may leave the last
    # of these below 1.
    bounds = motif.cumsum(axis=1)
    uniform = rng.random(len(motif))
    below = bounds < uniform[:, None]
    instance = below.sum(axis=1).clip(max=3)

    is_reverse = rng.random() < 0.5
    return 3 - instance[::-1] if is_reverse else instance
