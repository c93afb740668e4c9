"""The whole benchmark: all lines, all arms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnformer.bench.grn_accuracy.arms import (
    Arm,
    binding_arm,
    informed_arm,
    joined_arm,
    network_arm,
    weighted_arm,
)
from grnformer.bench.grn_accuracy.baselines import (
    accessibility_expression,
    constant_arm,
    map_promoters,
    pearson_arm,
    random_arm,
    weigh_links,
)
from grnformer.bench.grn_accuracy.evaluate import pool_lines, score_arm
from grnformer.bench.grn_accuracy.truth import read_truth
from grnformer.core.errors import InputError
from grnformer.grn.prior import primary_sources

if TYPE_CHECKING:
    import anndata

logger = logging.getLogger(__name__)


def score_networks(
    rna: anndata.AnnData,
    atac: anndata.AnnData,
    tss: pd.DataFrame,
    networks: dict[str, pd.DataFrame],
    tf_gene: pd.DataFrame,
    priors: dict[str, pd.DataFrame],
    binding: pd.DataFrame | None,
    links: pd.DataFrame | None,
    truth: dict[str, Any],
    known_tfs: set[str],
    lines: dict[str, str],
    settings: dict[str, Any],
    seed: int,
    others: Mapping[str, pd.DataFrame] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every arm in every line against ChIP-seq of that line.

    Parameters
    ----------
    rna, atac
        Modalities of the multiome, the same cells; the genes of `rna` are the universe.
    tss
        Transcription start sites, by contract ``tss``.
    networks
        Cell type -> its GRN, by contract ``cell_type_grn``; arm ``eregulon``, and ``eregulon_without_chip`` of the
        edges that have other evidence than ChIP.
    tf_gene
        TF to gene importance over all cells, by contract ``tf_gene``; arm ``tf_gene``.
    priors
        Arm name -> TF-target pairs (tf, gene, n_sources); kind reference, as their sources may hold the truth.
    binding
        Log odds that TFs bind genes' promoters, by contract ``promoter_binding``, or None; arms ``binding`` and, joined
        with the baseline, ``binding_with_baseline``.
    links
        Regions of genes, by contract ``region_gene``. With `binding` and the prior without ChIP they make the arm
        ``binding_prior_with_linked_baseline``, beside a baseline of
        accessibility near the gene in place of at its promoter.
    truth
        "<TF> <line>" -> target genes.
    known_tfs
        Symbols of TFs.
    lines
        Cell type -> name of its cell line in the truth.
    settings
        Of the config's section ``bench.grn_accuracy``: aliases, min_positives, promoter_margin, binding_weight,
        prior_log_odds, link_decay.
    seed
        Seed of the random arm.
    others
        Name -> network of another tool (tf, gene, weight), the same in every line; arm ``network_<name>``.

    Returns
    -------
    Scores by contract ``scores`` (a task a cell type, and ``all``; arms ``*_and_baseline`` join one with the
    TF-agnostic baseline), and the experiments by contract ``grn_truth``.

    Raises
    ------
    InputError
        If a cell type of ``lines`` has no cells or no network, or its line is not in the truth; or if a network of
        ``others`` has no TF or no gene of the data.
    """
    genes = rna.var_names.tolist()
    others = others or {}
    for name, edges in others.items():
        _check_symbols(name, edges["tf"], known_tfs, "TFs")
        _check_symbols(name, edges["gene"], set(genes), "target genes")
    types = rna.obs["cell_type"].astype(str).to_numpy()
    expression = rna.X.tocsr()
    accessibility = atac.X.tocsr()
    at_promoter = map_promoters(atac.var, tss, genes, settings["promoter_margin"])

    # without the prior no arm takes the baseline of linked regions
    near = None
    if links is not None and "prior_without_chip" in priors:
        near = weigh_links(links, atac.var_names, genes, settings["link_decay"])

    # over all cells of the data, and so the same in every line
    general = [
        network_arm("tf_gene", "model", tf_gene, "importance", genes),
        pearson_arm("pearson", expression, genes),
        *(
            network_arm(name, "reference", pairs, "n_sources", genes)
            for name, pairs in priors.items()
        ),
        random_arm(len(genes), seed),
        *(
            network_arm(f"network_{name}", "model", edges, "weight", genes)
            for name, edges in others.items()
        ),
    ]

    scores = []
    experiments = []
    for cell_type, line in lines.items():
        cells = _find_cells(types, cell_type, networks)
        of_line, fates = read_truth(
            truth,
            line,
            genes,
            known_tfs=known_tfs,
            aliases=settings["aliases"],
            min_positives=settings["min_positives"],
        )
        experiments.append(fates.assign(cell_type=cell_type))

        # from the line's own cells: the baseline knows the line, and no TF
        expressed = expression[cells]
        accessible = accessibility[cells]
        baseline = accessibility_expression(expressed, accessible, at_promoter)

        # baselines are not joined with the baseline: neither knows anything of the TF
        eregulons = _eregulon_arms(networks[cell_type], genes)
        informative = [
            arm for arm in (*eregulons, *general) if arm.kind in ("model", "reference")
        ]
        arms = [
            *eregulons,
            *(joined_arm(arm, baseline) for arm in informative),
            pearson_arm("pearson_within_line", expressed, genes),
            constant_arm("accessibility_expression", baseline),
        ]
        if binding is not None:
            linked = None
            if near is not None:
                linked = accessibility_expression(expressed, accessible, near)
            arms += _binding_arms(binding, priors, genes, baseline, linked, settings)
        arms += general
        scores += [score_arm(arm, of_line, genes, cell_type) for arm in arms]

    table = pd.concat(scores, ignore_index=True)
    fates = pd.concat(experiments, ignore_index=True)
    logger.info(
        "%d TF x line pairs, %d arms", fates["fate"].eq("used").sum(), len(arms)
    )
    return pd.concat([table, pool_lines(table)], ignore_index=True), fates


def _check_symbols(name: str, found: pd.Series, known: set[str], role: str) -> None:
    """Raise InputError if a network knows none of the symbols: it would score nothing, or all genes alike."""
    if not found.isin(known).any():
        raise InputError(
            f"the network {name} with {role} such as {sorted(set(found.astype(str)))[:3]}, none of them known",
            f"symbols such as {sorted(known)[:3]}",
            f"translate its names to gene symbols, or leave {name} out of bench.grn_accuracy.networks",
        )


def _find_cells(
    types: np.ndarray, cell_type: str, networks: dict[str, pd.DataFrame]
) -> np.ndarray:
    """Numbers of a cell type's cells; InputError if there are none, or no network of the type."""
    cells = np.flatnonzero(types == cell_type)
    if not len(cells) or cell_type not in networks:
        raise InputError(
            f"cell type {cell_type!r} with {len(cells)} cells; networks of {sorted(networks)}",
            f"cell types among {sorted(set(types))}, each with a network",
            "correct bench.grn_accuracy.lines (cell type: name in the truth)",
        )
    return cells


def _eregulon_arms(edges: pd.DataFrame, genes: list[str]) -> list[Arm]:
    # the truth is ChIP: an edge that rests on ChIP alone may be a copy of it
    other = edges[has_other_evidence(edges)]
    return [
        network_arm("eregulon", "model", edges, "weight", genes),
        network_arm("eregulon_without_chip", "model", other, "weight", genes),
    ]


def _binding_arms(
    binding: pd.DataFrame,
    priors: dict[str, pd.DataFrame],
    genes: list[str],
    baseline: np.ndarray,
    linked: np.ndarray | None,
    settings: dict[str, Any],
) -> list[Arm]:
    """Binding, joined with the line's baseline, and with the prior and the baseline of linked regions (`linked`)."""
    weight = settings["binding_weight"]
    bound = binding_arm("binding", binding, genes)
    arms = [bound, weighted_arm("binding_with_baseline", bound, baseline, weight)]

    if linked is not None:
        # the prior without ChIP: the other may hold the truth
        prior = priors["prior_without_chip"]
        known = informed_arm("", bound, prior, genes, settings["prior_log_odds"])
        arms += [
            constant_arm("linked_accessibility_expression", linked),
            weighted_arm("binding_prior_with_linked_baseline", known, linked, weight),
        ]
    return arms


def has_other_evidence(edges: pd.DataFrame) -> np.ndarray:
    """Which edges have evidence besides ChIP (``chip:...``; parts are separated by ``|``), as a boolean (edges,)."""
    found = []
    for text in edges["evidence"]:
        parts = text.split("|")
        found.append(not all(part.startswith("chip:") for part in parts))
    return np.array(found, dtype=bool)


def split_prior(
    pairs: pd.DataFrame, chip_sources: list[str]
) -> dict[str, pd.DataFrame]:
    """Make two arms of prior knowledge, with and without what stems from ChIP; each pair scores its number of sources.

    Parameters
    ----------
    pairs
        Table tf, gene, sources, as ``grnformer.grn.prior.prepare_prior`` gives it.
    chip_sources
        Sources that stem from ChIP experiments.

    Returns
    -------
    ``prior_with_chip`` (circular: the truth may be among its sources) and ``prior_without_chip``: tf, gene, n_sources.
    """
    n_all = []
    n_other = []
    for text in pairs["sources"]:
        # a collection that is named beside its member would count twice
        sources = primary_sources(text.split(";"))
        n_all.append(len(sources))
        n_other.append(len(set(sources).difference(chip_sources)))

    # a pair that only ChIP knows is no pair without it
    named = pairs[["tf", "gene"]]
    with_chip = named.assign(n_sources=n_all)
    without_chip = named.assign(n_sources=n_other)
    has_other = without_chip["n_sources"] > 0
    return {
        "prior_with_chip": with_chip,
        "prior_without_chip": without_chip[has_other],
    }
