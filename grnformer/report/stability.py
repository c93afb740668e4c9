"""Section of the networks' stability: what runs under different seeds have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grnformer.report.page import Block, Figure, Note, Section, Table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

NAMES = {
    "tf_gene_top": "TF-gene pairs of highest importance",
    "region_gene_top": "region-gene links of highest importance",
    "eregulons": "eRegulons",
    "eregulon_triplets": "TF-region-gene triplets",
    "eregulon_pairs": "TF-gene pairs of eRegulons",
    "cell_type_edges": "edges of cell-type networks",
}


def stability_section(dataset: str, stability: pd.DataFrame, eregulons: pd.DataFrame, min_frequency: float) -> Section:
    """Section of the reruns under other seeds.

    Parameters
    ----------
    stability
        Table by contract ``stability``.
    eregulons
        Table by contract ``eregulons``, with `selection_frequency`.
    min_frequency
        Share of the reruns that a triplet had to be in.
    """
    seeds = sorted(set(stability["seed"]) | set(stability["other_seed"]))
    main = int(stability["seed"].iloc[0])
    overlap = summarise_overlap(stability)
    frequency = eregulons["selection_frequency"]
    pairs = overlap.loc[overlap["what"] == NAMES["eregulon_pairs"], "mean_jaccard"].iloc[0]
    kept = f" Triplets in less than {min_frequency:.0%} of the reruns were dropped." if min_frequency > 0 else ""
    blocks: list[Block] = [
        Note(
            f"The network was inferred under {len(seeds)} seeds ({main} and the reruns "
            f"{', '.join(str(s) for s in seeds if s != main)}). Two runs share {pairs:.0%} of the TF-gene pairs of "
            f"their eRegulons (Jaccard, mean over pairs of runs). Of the {len(eregulons):,} triplets in use, "
            f"{(frequency >= 1).mean():.0%} are in every rerun and {(frequency < 0.5).mean():.0%} in less than half."
            f"{kept}"
        ),
        Table(
            "grn_stability",
            overlap,
            "Overlap of the networks of two seeds (members of both over members of either), over all pairs of seeds. "
            "Cistromes are the same in all runs. eRegulons, triplets and pairs before the filters.",
            {"mean_jaccard": "Jaccard, mean", "min_jaccard": "Jaccard, least", "pairs_of_seeds": "pairs of seeds (n)",
             "smallest": "smallest network (n)", "largest": "largest network (n)"},
        ),
        Figure(
            "selection-frequency",
            plot_frequency(frequency),
            f"Share of the {len(seeds) - 1} reruns that hold a TF-region-gene triplet in use (column "
            f"selection_frequency). n {len(eregulons):,} triplets.",
            320,
        ),
    ]  # fmt: skip
    return Section("stability", "Stability of the networks", blocks, dataset)


def summarise_overlap(stability: pd.DataFrame) -> pd.DataFrame:
    """Mean and least Jaccard, and sizes, by kind of network and cell type."""
    groups = stability.groupby(["what", "cell_type"], sort=False)
    table = groups.agg(
        mean_jaccard=("jaccard", "mean"), min_jaccard=("jaccard", "min"), pairs_of_seeds=("jaccard", "size"),
        smallest=("size", "min"), largest=("size", "max"),
    ).reset_index()  # fmt: skip
    others = groups["other_size"].agg(["min", "max"]).reset_index()
    table["smallest"] = table["smallest"].clip(upper=others["min"])
    table["largest"] = table["largest"].clip(lower=others["max"])
    order = table["what"].map({what: number for number, what in enumerate(NAMES)})
    table = table.iloc[order.argsort(kind="stable")].reset_index(drop=True)
    return table.assign(what=table["what"].map(NAMES))


def plot_frequency(frequency: pd.Series) -> go.Figure:
    """Bars: number of triplets by the share of reruns that hold them."""
    import plotly.graph_objects as go

    counts = frequency.round(4).value_counts().sort_index()
    figure = go.Figure(go.Bar(x=[f"{share:.0%}" for share in counts.index], y=counts.to_numpy()))
    figure.update_xaxes(title="reruns that hold the triplet", type="category")
    figure.update_yaxes(title="triplets (n)")
    return figure
