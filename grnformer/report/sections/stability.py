"""Section of the networks' stability: what runs under different seeds have in common."""

from __future__ import annotations

import pandas as pd

from grnformer.report.figures.networks import plot_frequency
from grnformer.report.page import Block, Figure, Note, Section, table
from grnformer.report.text import format_count

NAMES = {
    "tf_gene_top": "TF-gene pairs of highest importance",
    "region_gene_top": "region-gene links of highest importance",
    "eregulons": "eRegulons",
    "eregulon_triplets": "TF-region-gene triplets",
    "eregulon_pairs": "TF-gene pairs of eRegulons",
    "cell_type_edges": "edges of cell-type networks",
}


def stability_section(
    stability: pd.DataFrame, eregulons: pd.DataFrame, min_frequency: float
) -> Section:
    """Section of the reruns under other seeds.

    Parameters
    ----------
    stability
        Table by contract ``stability``.
    eregulons
        Table by contract ``eregulons``, with `selection_frequency`.
    min_frequency
        Fraction of the reruns that a triplet had to be in.
    """
    # Pairs begin with the main run.
    main = stability["seed"].iloc[0]
    reruns = sorted({*stability["seed"], *stability["other_seed"]} - {main})
    overlap = summarise_overlap(stability)
    frequency = eregulons["selection_frequency"]
    pairs = (
        overlap.set_index("what").loc[[NAMES["eregulon_pairs"]], "mean_jaccard"].iloc[0]
    )
    text = (
        f"The network was inferred under {1 + len(reruns)} seeds ({main}, rerun under "
        f"{', '.join(map(str, reruns))}). Two runs share {pairs:.0%} of the TF-gene pairs of their eRegulons "
        f"(Jaccard index, mean over pairs of runs). Of the {len(eregulons):,} triplets in use, "
        f"{(frequency >= 1).mean():.0%} are in every rerun and {(frequency < 0.5).mean():.0%} in less than half."
    )

    if min_frequency > 0:
        text += (
            f" Triplets in less than {min_frequency:.0%} of the reruns were dropped."
        )
    blocks: list[Block] = [
        Note(text),
        table(
            "grn_stability",
            overlap,
            "Overlap of the networks of two seeds (Jaccard index), over all pairs of seeds. Cistromes are the same in "
            "all runs. eRegulons, triplets and pairs are those before the filters.",
            mean_jaccard="Jaccard, mean",
            min_jaccard="Jaccard, least",
            pairs_of_seeds="pairs of seeds (n)",
            smallest="smallest network (n)",
            largest="largest network (n)",
        ),
        Figure(
            "selection-frequency",
            plot_frequency(frequency),
            f"Fraction of {format_count(len(reruns), 'rerun')} that hold a TF-region-gene triplet in use (column "
            f"selection_frequency). n {len(eregulons):,} triplets.",
            320,
        ),
    ]

    return Section("stability", "Stability of the networks", blocks)


def summarise_overlap(stability: pd.DataFrame) -> pd.DataFrame:
    """Mean and least Jaccard index, and sizes, by kind of network and cell type."""
    both = stability[["size", "other_size"]]
    # A pair has two networks, and each may be the smallest or largest.
    sizes = stability.assign(smallest=both.min(axis=1), largest=both.max(axis=1))

    frame = sizes.groupby(["what", "cell_type"], sort=False).agg(
        mean_jaccard=("jaccard", "mean"),
        min_jaccard=("jaccard", "min"),
        pairs_of_seeds=("jaccard", "size"),
        smallest=("smallest", "min"),
        largest=("largest", "max"),
    )

    frame = frame.reset_index().sort_values(
        "what", key=lambda what: what.map(list(NAMES).index), kind="stable"
    )
    return frame.assign(what=frame["what"].map(NAMES)).reset_index(drop=True)
