"""Topics of regions, their region sets, and differentially accessible regions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grnformer.core.methods import names
from grnformer.settings.key import Seed, Settings, key
from grnformer.settings.methods import with_methods

Score = Literal[
    "arun_2010",
    "cao_juan_2009",
    "coherence",
    "joint_log_likelihood",
    "heldout_log_likelihood",
    "log_likelihood",
]
TopicCount = Annotated[int, Field(ge=2, le=1000)]


class Evaluation(Settings):
    """Scores of a topic model."""

    heldout_cells: float = key(0.1, "fraction of cells held out", gt=0, le=0.5)
    alpha: float = key(
        5,
        "pseudo-counts when a held-out cell's topics are inferred, summed over topics",
        unit="regions",
        gt=0,
    )
    coherence_regions: int = key(
        20,
        "top regions of a topic that its coherence is taken over",
        unit="regions",
        ge=2,
    )
    coherence_smoothing: float = key(
        1,
        "added to the cells that have two regions (Mimno et al. 2011: 1, pycisTopic: 1e-12)",
        unit="cells",
        gt=0,
        le=1,
    )
    coherence_topics: int | None = key(
        None,
        "most coherent topics that the mean is taken over; null: all; pycisTopic: 5",
        unit="topics",
        ge=1,
    )
    distinct_correlation: float = key(
        0.8,
        "topics whose regions correlate above this (Pearson) count as one",
        ge=0,
        le=1,
    )


class Selection(Settings):
    """Which topic count is taken; docs/topics.md."""

    rule: Literal["mean", "heldout"] = key(
        "mean",
        "mean: of scores, each rescaled to 0..1 over the topic counts, as pycisTopic's evaluate_models; heldout: the "
        "most coherent model within one standard error of the best held-out log-likelihood",
    )
    scores: list[Score] = key(
        ["heldout_log_likelihood", "cao_juan_2009"],
        "scores in the mean",
        min_length=1,
        unique=True,
    )
    distinct_only: bool = key(
        True, "models with topics that are copies of each other do not compete"
    )


class RegionSets(Settings):
    """Sets of regions drawn from each topic."""

    kinds: list[Literal["topic_otsu", "topic_li", "topic_top"]] = key(
        ["topic_otsu", "topic_top"],
        "topic_otsu, topic_li: regions above that threshold; topic_top: the top regions",
        min_length=1,
        unique=True,
    )
    smooth: bool = key(
        True,
        "rank regions by how particular they are to a topic (cisTopic), not by probability only",
    )
    n_bins: int = key(
        100, "bins of the histogram for Otsu's threshold", unit="bins", ge=2
    )
    n_top: int = key(3000, "regions in the top set of a topic", unit="regions", ge=1)


class Dar(Settings):
    """Differentially accessible regions of cell types."""

    adjusted_p: float = key(0.05, "highest adjusted p-value", ge=0, le=1)
    log2_fold_change: float = key(
        0.585, "lowest log2 fold change against the other cells (0.585: 1.5-fold)", ge=0
    )
    min_cells: int = key(10, "types with fewer cells get no set", unit="cells", ge=1)
    block_size: int = key(
        2000,
        "regions imputed at a time, fewer of more than 8,000 cells; bounds the memory",
        unit="regions",
        ge=1,
    )


@with_methods("grnformer.topics")
class Topics(Settings):
    """Topics of regions, their region sets, and differentially accessible regions."""

    seed: Seed = key(1, "of sampling and of the held-out cells")
    method: str = key(
        "lda_tomotopy",
        "how topics are fitted: collapsed Gibbs sampling by tomotopy, or the original pycisTopic in an environment "
        "apart (make env-pycistopic)",
        options=names("grnformer.topics"),
    )
    n_topics: list[TopicCount] = key(
        [10, 20],
        "topic counts, fitted one by one; one is selected",
        unit="topics",
        min_length=1,
        unique=True,
    )
    selected: int | None = key(
        None,
        "topic count to take, among n_topics, whatever the scores say; null: by the rule of selection",
        ge=2,
    )
    min_cells: int = key(
        5,
        "regions accessible in fewer cells stay out of the topics, and so of the networks",
        unit="cells",
        ge=1,
    )
    max_tokens: int | None = key(
        50_000_000,
        "accessible regions, summed over cells, that topics are fitted to; where there are more, cells are drawn at "
        "random, and the proportions of all follow from the topics; null: all cells, as with pycistopic",
        unit="regions",
        ge=1000,
    )
    evaluation: Evaluation = Evaluation()
    selection: Selection = Selection()
    region_sets: RegionSets = RegionSets()
    dar: Dar = Dar()
