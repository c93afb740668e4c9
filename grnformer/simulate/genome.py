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
    chromosome = np.arange(len(genes)) % n_chromosomes
    order = np.arange(len(genes)) // n_chromosomes
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
    lengths = {chrom: int(positions.max()) + spacing for chrom, positions in tss.groupby("chrom")["tss"]}
    return tss, lengths


def place_regions(tss: pd.DataFrame, per_gene: int, spacing: int, rng: np.random.Generator) -> pd.DataFrame:
    """Place `per_gene` regions of 501 bp at each gene: one around its TSS, the others nearer to it than to any other.

    Returns one row a region: region (``chr1:100-601``), chrom, start, end (0-based, half-open, bp), gene, promoter.
    """
    half, reach = REGION_WIDTH // 2, int(spacing * 0.4) // _SLOT
    slots = np.array([*range(-reach, 0), *range(1, reach + 1)])
    if per_gene - 1 > len(slots):
        raise ValueError(f"{per_gene} regions a gene do not fit into a gene spacing of {spacing} bp")
    rows = []
    for gene, chrom, position in zip(tss["gene"], tss["chrom"], tss["tss"], strict=True):
        offsets = [0, *(_SLOT * rng.choice(slots, size=per_gene - 1, replace=False))]
        for offset in offsets:
            start = int(position + offset - half)
            end = start + REGION_WIDTH
            rows.append((f"{chrom}:{start}-{end}", chrom, start, end, gene, offset == 0))

    regions = pd.DataFrame(rows, columns=["region", "chrom", "start", "end", "gene", "promoter"])
    return regions.sort_values(["chrom", "start"], ignore_index=True)


def draw_motifs(tfs: list[str], width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw one position frequency matrix a TF: width x 4 (A, C, G, T), rows sum to 1, one base preferred each."""
    motifs = {}
    for tf in tfs:
        consensus = rng.integers(0, 4, size=width)
        motifs[tf] = rng.dirichlet(np.ones(4), size=width) * 0.15 + 0.85 * np.eye(4)[consensus]
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
    sequences = {chrom: BASES[rng.integers(0, 4, size=length)] for chrom, length in lengths.items()}
    for (chrom, start, end), bound in bindings.groupby(["chrom", "start", "end"], sort=True):
        width = max(len(motifs[tf]) for tf in bound["tf"])
        places = rng.choice((end - start) // width, size=len(bound), replace=False) * width + start
        for tf, place in zip(bound["tf"], places, strict=True):
            # a base by where a uniform number falls among the position's cumulated probabilities
            bounds = motifs[tf].cumsum(axis=1)
            instance = (bounds < rng.random(len(bounds))[:, None]).sum(axis=1).clip(max=3)
            if rng.random() < 0.5:
                instance = 3 - instance[::-1]
            sequences[chrom][place : place + len(instance)] = BASES[instance]
    return {chrom: sequence.tobytes() for chrom, sequence in sequences.items()}
