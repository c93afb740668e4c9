"""Simulate a paired multiome from a known network: `simulate_multiome`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.simulate import counts, genome, network

if TYPE_CHECKING:
    from collections.abc import Iterator

    import anndata
    import scipy.sparse as sp

_BLOCK = 1000  # cells whose rates are in memory at a time


@dataclasses.dataclass(frozen=True)
class Simulation:
    """A simulated dataset and its truth; cells, genes and regions are in the same order everywhere."""

    rna: anndata.AnnData
    """Cells x genes: raw counts (CSR, int32), obs ``cell_type``."""
    atac: anndata.AnnData
    """Cells x regions: raw counts (CSR, int32), obs ``cell_type``, var ``chrom``, ``start``, ``end``."""
    edges: pd.DataFrame
    """The truth: tf, region, gene, sign, strength, cell_types (list of the types in which the edge works)."""
    prior: pd.DataFrame
    """What is known beforehand (contract ``prior``): some true edges, some decoys."""
    tss: pd.DataFrame
    """Contract ``tss``."""
    regions: pd.DataFrame
    """region, chrom, start, end, gene (the gene it lies at), promoter."""
    activity: pd.DataFrame
    """True TF activity: cells x TFs in (0, 1)."""
    annotation: pd.DataFrame
    """barcode, cell_type."""
    tfs: tuple[str, ...]
    motifs: dict[str, np.ndarray]
    """Position frequency matrix of each TF: width x 4 (A, C, G, T)."""
    genome: dict[str, bytes]
    """Chromosome name to sequence."""
    parameters: dict[str, Any]
    """The arguments of `simulate_multiome`."""


def simulate_multiome(
    *,
    seed: int,
    n_cells: int = 300,
    n_genes: int = 200,
    n_tfs: int = 12,
    n_cell_types: int = 3,
    regions_per_gene: int = 3,
    n_chromosomes: int = 3,
    gene_spacing: int = 20_000,
    target_fraction: float = 0.6,
    max_regulators: int = 2,
    shared_fraction: float = 0.25,
    repression_fraction: float = 0.2,
    closed_fraction: float = 0.3,
    effect: float = 2.5,
    within_sd: float = 2.0,
    rna_per_cell: float = 4_000.0,
    atac_per_cell: float = 600.0,
    depth_sd: float = 0.3,
    dispersion: float = 0.1,
    dropout: float = 0.1,
    prior_recall: float = 0.8,
    prior_precision: float = 0.6,
    motif_width: int = 12,
) -> Simulation:
    """Simulate cells with paired RNA and ATAC whose counts follow a planted TF → region → gene network.

    A TF's transcript follows its activity, which differs between cell types and between cells of one type. A
    bound region opens (sign +1) or closes (-1) with the activity of its TFs, and its gene follows the region.

    Parameters
    ----------
    seed
        Same seed, same data.
    n_genes
        All genes, TFs among them.
    regions_per_gene
        One around the TSS, the others around it; most are bound by no TF.
    gene_spacing
        Distance of neighbouring genes, bp.
    target_fraction
        Fraction of the genes (TFs aside) that have regulators, 1 to `max_regulators` each.
    shared_fraction
        Fraction of the TFs that are active in all cell types; the others are active in one.
    repression_fraction
        Fraction of bound regions through which TFs repress.
    closed_fraction
        Fraction of edges that do not work in one of their TF's cell types: the region does not respond there.
    effect
        Change of log expression and log accessibility from no to full activity.
    within_sd
        SD of TF activity among cells of a type, on the logit scale.
    rna_per_cell, atac_per_cell
        Median counts of a cell; `depth_sd` is the SD of the log depth.
    dispersion, dropout
        Of RNA counts: variance = mean + dispersion * mean squared; fraction of entries lost. ATAC counts are Poisson.
    prior_recall, prior_precision
        Fraction of true edges that the prior knows; fraction of the prior that is true.
    motif_width
        Columns of the planted motifs, bp.
    """
    parameters = dict(sorted(locals().items()))

    # a stream for each part: a change of one leaves the others as they are
    layout, net, sequence, cell, rna, atac, known = np.random.default_rng(seed).spawn(7)
    tfs = [f"TF{number:03d}" for number in range(1, n_tfs + 1)]
    others = [f"GENE{number:04d}" for number in range(1, n_genes - n_tfs + 1)]
    types = [f"type_{number}" for number in range(1, n_cell_types + 1)]
    genes = [str(name) for name in layout.permutation([*tfs, *others])]
    tss, lengths = genome.place_genes(genes, n_chromosomes, gene_spacing, layout)
    regions = genome.place_regions(tss, regions_per_gene, gene_spacing, layout)

    active = network.draw_active_types(n_tfs, n_cell_types, shared_fraction, net)
    targets = _draw_targets(others, target_fraction, net)
    edges = network.draw_edges(
        tfs,
        targets,
        regions,
        active,
        types,
        max_regulators=max_regulators,
        repression_fraction=repression_fraction,
        closed_fraction=closed_fraction,
        rng=net,
    )
    prior = network.draw_prior(edges, tfs, genes, prior_recall, prior_precision, known)

    cell_types = np.sort(np.arange(n_cells) % n_cell_types)
    activity = counts.draw_activity(cell_types, active, within_sd, cell)
    planted = _Planted(edges, activity, cell_types, tfs, types, effect)
    rna_counts = counts.draw_blocks(
        _log_expression(planted, genes, rna),
        (rna_per_cell, depth_sd, dispersion, dropout),
        rna,
    )
    atac_counts = counts.draw_blocks(
        _log_accessibility(planted, regions, atac),
        (atac_per_cell, depth_sd, 0.0, 0.0),
        atac,
    )

    motifs = genome.draw_motifs(tfs, motif_width, sequence)
    places = regions[["region", "chrom", "start", "end"]]
    bound = edges[["tf", "region"]].drop_duplicates()
    bindings = bound.merge(places, on="region")

    barcodes = _draw_barcodes(n_cells, cell)
    annotation = pd.DataFrame(
        {
            "barcode": barcodes,
            "cell_type": [types[t] for t in cell_types],
        }
    )
    rna_var = pd.DataFrame(index=pd.Index(genes, name="gene"))
    return Simulation(
        rna=_as_anndata(rna_counts, annotation, rna_var),
        atac=_as_anndata(atac_counts, annotation, places.set_index("region")),
        edges=edges,
        prior=prior,
        tss=tss.sort_values(["chrom", "tss"], ignore_index=True),
        regions=regions,
        activity=pd.DataFrame(activity, index=barcodes, columns=tfs),
        annotation=annotation,
        tfs=tuple(tfs),
        motifs=motifs,
        genome=genome.draw_genome(lengths, bindings, motifs, sequence),
        parameters=parameters,
    )


def _draw_targets(
    genes: list[str], fraction: float, rng: np.random.Generator
) -> list[str]:
    """The genes that have regulators, in the order of `genes`."""
    n_targets = round(fraction * len(genes))
    chosen = rng.permutation(len(genes))[:n_targets]
    return [genes[i] for i in np.sort(chosen)]


@dataclasses.dataclass(frozen=True)
class _Planted:
    """What expression and accessibility follow; `activity` is cells x TFs, `cell_types` the type's number of each."""

    edges: pd.DataFrame
    activity: np.ndarray
    cell_types: np.ndarray
    tfs: list[str]
    types: list[str]
    effect: float

    def signed(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Block after block of cells: its place, and by how much each edge moves log rates there, cells x edges.

        Cells x edges, or x regions, of all cells would not fit into memory.
        """
        # types x edges
        works = np.array(
            [
                [name in alive for alive in self.edges["cell_types"]]
                for name in self.types
            ]
        )
        tf_of_edge = pd.Index(self.tfs).get_indexer(self.edges["tf"])
        strength = self.edges["strength"].to_numpy()
        sign = self.edges["sign"].to_numpy()
        for start in range(0, len(self.activity), _BLOCK):
            cells = slice(start, start + _BLOCK)
            of_edge = self.activity[cells][:, tf_of_edge]
            # 0 in the types where the edge does not work
            drive = of_edge * works[self.cell_types[cells]] * strength
            yield cells, self.effect * drive * sign


def _log_expression(
    planted: _Planted, genes: list[str], rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Blocks of log expression, cells x genes: basal + effect of edges; TF transcripts follow TF activity and noise."""
    index = pd.Index(genes)
    basal = rng.normal(0.0, 0.7, size=len(genes))
    noise = rng.normal(0.0, 0.1, size=planted.activity.shape)
    tfs = index.get_indexer(planted.tfs)
    targets = index.get_indexer(planted.edges["gene"])

    for cells, signed in planted.signed():
        log_rate = np.tile(basal, (len(signed), 1))
        # a gene may have several edges, so they are added up, not assigned
        np.add.at(log_rate.T, targets, signed.T)
        own = 0.5 + planted.effect * planted.activity[cells] + noise[cells]
        log_rate[:, tfs] = own
        yield log_rate


def _log_accessibility(
    planted: _Planted, regions: pd.DataFrame, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Blocks of log accessibility, cells x regions: basal (promoters opener) + effect of the TFs that bind.

    Activators open their region; repressors close theirs, which is open without them.
    """
    edges = planted.edges
    basal = rng.normal(0.0, 0.5, size=len(regions))
    basal += np.where(regions["promoter"], 0.7, 0.0)

    # the height from which a repressor closes its region
    repressing = edges[edges["sign"] < 0]
    repressed = regions["region"].isin(repressing["region"])
    basal += np.where(repressed, planted.effect, 0.0)

    row = pd.Index(regions["region"]).get_indexer(edges["region"])
    for _, signed in planted.signed():
        log_rate = np.tile(basal, (len(signed), 1))
        np.add.at(log_rate.T, row, signed.T)
        yield log_rate


def _draw_barcodes(n_cells: int, rng: np.random.Generator) -> list[str]:
    """Distinct 10x-like barcodes: 16 bases and the suffix -1."""
    # a dict keeps the order in which they were drawn, as a set does not
    chosen: dict[str, None] = {}
    while len(chosen) < n_cells:
        codes = rng.integers(0, 4, size=16)
        bases = genome.BASES[codes].tobytes().decode()
        chosen[f"{bases}-1"] = None
    return list(chosen)


def _as_anndata(
    matrix: sp.csr_matrix, annotation: pd.DataFrame, var: pd.DataFrame
) -> anndata.AnnData:
    import anndata

    # an index without a name: the file's bytes depend on it
    obs = pd.DataFrame(
        {"cell_type": annotation["cell_type"].to_numpy()},
        index=annotation["barcode"].to_numpy(),
    )
    return anndata.AnnData(X=matrix, obs=obs, var=var)
