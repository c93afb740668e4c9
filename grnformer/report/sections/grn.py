"""Section of the gene regulatory networks: funnel, evidence, eRegulons, cell-type networks, activity."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd

from grnformer.grn.eregulons.quality import LEAST_UNITS
from grnformer.report.cells import mean_by_type
from grnformer.report.figures.network import plot_network, strongest_edges
from grnformer.report.figures.networks import (
    plot_dots,
    plot_quality,
    plot_ranking,
    rank_specificity,
)
from grnformer.report.page import Block, Config, Figure, Note, Section, table
from grnformer.report.sections.thresholds import threshold_blocks
from grnformer.report.text import format_rows

NETWORK_KEY = (
    "Solid blue: activation; dashed orange: repression; the wider, the more weight (thirds of those drawn). "
    "Colour of a TF: its mean log-normalised expression in the type."
)
_COUNTS = (
    "{eregulon:,} eRegulons of {tf:,} TFs: {triplets:,} {kind}, {gene:,} target genes, {region:,} regions. "
    "Evidence for TF binding behind most of them: {sources}."
)


def grn_section(
    *,
    eregulons: pd.DataFrame,
    activity: anndata.AnnData,
    specificity: pd.DataFrame,
    thresholds: pd.DataFrame,
    funnel: pd.DataFrame,
    networks: dict[str, pd.DataFrame],
    cell_type_summary: pd.DataFrame,
    rna: anndata.AnnData,
    settings: Config,
    eregulon_quality: pd.DataFrame | None,
    given: dict[str, Any] | None = None,
) -> Section:
    """Section of stage grn.

    Parameters
    ----------
    eregulons, specificity, thresholds, funnel, cell_type_summary, eregulon_quality
        Tables by their contracts.
    activity
        AnnData by contract ``cell_activity``.
    networks
        Cell type -> table by contract ``cell_type_grn``.
    rna
        RNA modality of the multiome; X is log-normalised expression.
    settings
        Section ``report`` of the configuration.
    given
        Contract ``given_network``; None where the network was inferred.
    """
    blocks: list[Block] = [describe_given(given)] if given else []
    blocks += _evidence_blocks(eregulons, funnel)
    if eregulon_quality is not None:
        blocks += _quality_blocks(eregulon_quality)
    dots, *ranked = _specificity_blocks(
        activity, specificity, rna, settings["eregulons_per_type"]
    )
    first, *others = _network_blocks(
        networks, specificity, activity.var["tf"], rna, settings
    )
    # at first sight: do eRegulons follow their TF, one network, where eRegulons are active
    blocks += [first, dots]
    blocks.append(
        table(
            "cell_type_networks",
            cell_type_summary.drop(columns="file"),
            "The GRN of each cell type.",
            genes="target genes (n)",
            mean_targets="mean targets of a TF (n)",
        )
    )

    blocks += [*others, *ranked]
    blocks += threshold_blocks(
        activity, thresholds, specificity, settings["threshold_examples"]
    )
    return Section("grn", "Gene regulatory networks", blocks)


def describe_given(given: dict[str, Any]) -> Note:
    """That the network was given, by which file, and what of it was taken; `given`: contract given_network."""
    genes, counts = given["genes"], given["counts"]
    signs = {
        "none": "no sign is stated: all edges count as activating",
        "names": "signs by the names of regulons",
        "column": "signs by a column",
        "weights": "signs by those of the weights",
    }.get(given["signs"], f"signs by {given['signs']}")
    without = counts["without_sign"]
    unsigned = (
        f", {without:,} edges without one count as activating"
        if without and given["signs"] != "none"
        else ""
    )
    scope = (
        "each cell type has its own"
        if given["by_cell_type"]
        else "one for all cell types"
    )
    weights = (
        "ranks of its weights" if given["weighted"] else "1, for it has no weights"
    )
    return Note(
        f"This network was given, not inferred here (form: {given['form']}; {scope}). The data have "
        f"{genes['in_the_data']:,} of its {genes['in_the_network']:,} genes and {genes['tfs_in_the_data']:,} of its "
        f"{genes['tfs_in_the_network']:,} TFs. Of {counts['rows']:,} pairs in the file {counts['edges']:,} edges are "
        f"taken; left out: {counts['not_in_the_data']:,} with a gene that the data lack, {counts['loops']:,} loops, "
        f"{counts['weights_of_0']:,} of weight 0, and repeats. Edges weigh {weights}; {signs}{unsigned}. No regions, "
        "topics, TF-gene importances or cistromes stand behind it.",
        items=tuple(
            f"{name}: SHA-256 {digest}" for name, digest in given["files"].items()
        ),
    )


def _evidence_blocks(eregulons: pd.DataFrame, funnel: pd.DataFrame) -> list[Block]:
    evidence = count_evidence(eregulons)
    sources = ", ".join(format_rows(evidence.head(6), "{source} ({triplets:,})"))
    # eRegulons of genes alone have the empty region
    named = eregulons.assign(region=eregulons["region"].replace("", None))
    counts = named[["eregulon", "tf", "gene", "region"]].nunique().to_dict()
    kind = "TF-region-gene triplets" if counts["region"] else "TF-gene pairs"
    text = _COUNTS.format(**counts, triplets=len(eregulons), kind=kind, sources=sources)

    return [
        Note(text),
        table(
            "grn_funnel",
            # TFs are chosen before there are pairs
            funnel.assign(pairs=funnel["pairs"].astype("Int64").replace(0, pd.NA)),
            "What each step of eRegulon building kept; no pairs before there are cistromes.",
            hidden=("rule",),
            pairs="TF-gene pairs (n)",
        ),
        table(
            "grn_evidence",
            evidence,
            "Sources of evidence behind the triplets; a triplet counts for each of its sources. Kind chip: derived "
            "from ChIP experiments, so that a comparison with ChIP-seq targets is circular. The motifs of a TF are "
            "counted together.",
            motifs="motifs (n)",
        ),
    ]


def _quality_blocks(quality: pd.DataFrame) -> list[Block]:
    """How targets follow their TF."""
    dropped, units = int((~quality["kept"]).sum()), int(quality["units"].iloc[0])
    few = (
        f" Too few to judge: at least {LEAST_UNITS} pseudobulks or cells are needed."
        if units < LEAST_UNITS
        else ""
    )
    caption = (
        f"Does a TF's expression follow the activity (AUCell) of its targets? {quality['passed'].sum():,} of "
        f"{len(quality):,} eRegulons do, in the direction of their signs, over {units:,} "
        f"pseudobulks or cells.{few} {f'{dropped:,} were' if dropped else 'None was'} dropped for it."
    )
    # a plot of genes against regions, which eRegulons of genes alone do not have
    placed = bool(quality["regions"].any())
    blocks: list[Block] = []
    if placed:
        blocks.append(
            Figure("eregulon-quality", plot_quality(quality), caption, wide=False)
        )
    blocks.append(
        table(
            "eregulon_quality",
            quality,
            "Correlations of all eRegulons with their TF."
            + ("" if placed else f" {caption}"),
            folded=True,
            genes="target genes (n)",
            regions="target regions (n)",
        )
    )
    return blocks


def _specificity_blocks(
    activity: anndata.AnnData,
    specificity: pd.DataFrame,
    rna: anndata.AnnData,
    per_type: int,
) -> list[Block]:
    # Activity is scored for fewer eRegulons than specificity where a filter has dropped some.
    known = specificity[specificity["eregulon"].isin(activity.var_names)]
    dots = describe_dots(top_eregulons(known, per_type), activity, specificity, rna)
    n_types = specificity["cell_type"].nunique()

    return [
        Figure(
            "eregulon-dots",
            plot_dots(dots),
            f"The {per_type} most specific eRegulons of each cell type (by RSS). Size: fraction of the type's cells in "
            "which the eRegulon is active (AUCell above its threshold). Colour: mean log-normalised expression of the "
            f"TF in the type, scaled from 0 to 1 over the types for each TF. n {activity.n_obs:,} cells, "
            f"{activity.n_vars:,} eRegulons in all.",
            200 + 34 * n_types,
        ),
        table("eregulon_dots", dots, "Numbers behind the dot plot.", folded=True),
        Figure(
            "specificity",
            plot_ranking(specificity, per_type),
            "eRegulons ranked by regulon specificity score (RSS) in each type. RSS (Suo et al. 2018): 1 less the "
            "square root of the Jensen-Shannon divergence between an eRegulon's activity and membership of the type. "
            f"n {specificity['eregulon'].nunique():,} eRegulons, {activity.n_obs:,} cells.",
            80 + 250 * -(-n_types // 4),
        ),
    ]


def _network_blocks(
    networks: dict[str, pd.DataFrame],
    specificity: pd.DataFrame,
    tf_of: pd.Series,
    rna: anndata.AnnData,
    settings: Config,
) -> list[Block]:
    """A picture of each type's network; `tf_of`: eRegulon -> TF."""
    blocks: list[Block] = []
    types = rna.obs["cell_type"].astype(str)
    drawn = []
    ranked = rank_specificity(specificity)

    for name, edges in networks.items():
        # An eRegulon that was dropped has no TF here.
        tfs = (
            ranked.loc[ranked["cell_type"] == name, "eregulon"]
            .map(tf_of)
            .dropna()
            .astype(str)
        )
        part = strongest_edges(
            edges, list(tfs), settings["network_tfs"], settings["network_targets"]
        )
        # the most specific TF first
        order = list(dict.fromkeys([*tfs, *part["tf"]]))
        part = part.sort_values(
            "tf", kind="stable", key=lambda tf: tf.map(order.index)
        ).assign(
            cell_type=name,
            tf_expression=part["tf"].map(
                _expression_in(rna, types == name, part["tf"])
            ),
        )
        drawn.append(part)
        caption = (
            f"{name}: the {part['tf'].nunique()} TFs with the most specific eRegulons and up to "
            f"{settings['network_targets']} of the strongest targets of each; {len(part)} of {len(edges):,} edges. "
            f"{NETWORK_KEY} Positions come from a seeded spring layout and have no meaning."
        )
        blocks.append(
            Figure(
                f"network-{name}",
                plot_network(part, settings["seed"]),
                caption,
                560,
                wide=False,
            )
        )

    columns = [
        "cell_type",
        "tf",
        "gene",
        "weight",
        "sign",
        "tf_expression",
        "evidence",
    ]
    return [
        *blocks,
        table(
            "network_pictures", pd.concat(drawn)[columns], "Edges drawn.", folded=True
        ),
    ]


def _expression_in(
    rna: anndata.AnnData, chosen: pd.Series, tfs: pd.Series
) -> dict[str, float]:
    """Mean log-normalised expression of TFs in the chosen cells; TFs that were not measured are left out."""
    measured = [tf for tf in tfs.unique() if tf in rna.var_names]
    if not measured or not chosen.any():
        return {}
    means = np.asarray(rna[chosen.to_numpy(), measured].X.mean(axis=0)).ravel()
    return dict(zip(measured, map(float, means), strict=True))


def top_eregulons(specificity: pd.DataFrame, per_type: int) -> list[str]:
    """The most specific eRegulons of each type, type by type, each named once."""
    return list(
        rank_specificity(specificity)
        .groupby("cell_type", sort=True)
        .head(per_type)["eregulon"]
        .unique()
    )


def describe_dots(
    eregulons: list[str],
    activity: anndata.AnnData,
    specificity: pd.DataFrame,
    rna: anndata.AnnData,
) -> pd.DataFrame:
    """Numbers behind the dot plot, one row an eRegulon and cell type.

    Returns
    -------
    Columns eregulon, tf, genes, cell_type, cells, rss, mean_auc, active_fraction (0 to 1), tf_expression.
    """
    types = activity.obs["cell_type"].astype(str)
    part = activity[:, eregulons]
    about = (
        part.var[["tf", "n_genes"]]
        .rename(columns={"n_genes": "genes"})
        .rename_axis("eregulon")
        .reset_index()
    )
    dots = mean_by_type(
        {"mean_auc": part.X, "active_fraction": part.layers["active"]},
        eregulons,
        types,
        "eregulon",
    )

    # A TF that was not measured in RNA keeps its dots, without a colour.
    tfs = [tf for tf in about["tf"].unique() if tf in rna.var_names]
    # In the order of the RNA's cells.
    expression = mean_by_type(
        {"tf_expression": rna[:, tfs].X}, tfs, types.reindex(rna.obs_names), "tf"
    )
    dots = (
        dots.merge(about, how="left")
        .merge(expression, how="left")
        .merge(specificity, how="left")
    )
    dots["cells"] = dots["cell_type"].map(types.value_counts())
    columns = [
        "eregulon",
        "tf",
        "genes",
        "cell_type",
        "cells",
        "rss",
        "mean_auc",
        "active_fraction",
        "tf_expression",
    ]

    return dots[columns]


def count_evidence(eregulons: pd.DataFrame) -> pd.DataFrame:
    """Triplets, eRegulons and TFs behind each source of evidence; a triplet counts for each of its sources.

    Evidence reads ``<kind>:<source>;<source>|<kind>:<source>``, e.g. ``prior:ExTRI_CollecTRI|chip:ReMap_DoRothEA``.
    Of other kinds than prior, chip and given, a source is a motif: those of a TF are one source, ``motifs of <TF>``.

    Returns
    -------
    Columns kind, source, triplets, eregulons, tfs, motifs (0 where a source is none); most triplets first.
    """
    # Few of the texts are distinct: each is split once.
    sources = {text: _split_evidence(text) for text in eregulons["evidence"].unique()}
    # One row a triplet and source.
    rows = (
        eregulons[["eregulon", "tf"]]
        .assign(pair=eregulons["evidence"].map(sources))
        .explode("pair")
    )
    rows["kind"] = rows["pair"].str[0]
    rows["source"] = rows["pair"].str[1]

    # The motifs of a TF count as one source; the column motifs has their number.
    rows["motif"] = rows["source"].where(~rows["kind"].isin(["prior", "chip", "given"]))
    joint = "motifs of " + rows["tf"].astype(str)
    rows["source"] = rows["source"].where(rows["motif"].isna(), joint)
    counts = rows.groupby(["kind", "source"], as_index=False).agg(
        triplets=("tf", "size"),
        eregulons=("eregulon", "nunique"),
        tfs=("tf", "nunique"),
        motifs=("motif", "nunique"),
    )
    order = [False, True, True]

    return counts.sort_values(
        ["triplets", "kind", "source"], ascending=order, ignore_index=True
    )


def _split_evidence(text: str) -> list[tuple[str, str]]:
    """Kind and source of each part of a triplet's evidence."""
    pairs = []
    for group in text.split("|"):
        kind, _, listed = group.partition(":")
        for source in (listed or kind).split(";"):
            # A source after a semicolon may name a kind of its group anew.
            first, colon, rest = source.partition(":")
            pairs.append((first, rest) if colon else (kind, source))

    return pairs
