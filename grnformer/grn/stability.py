"""How far networks depend on the seed: frequencies of edges over reruns, overlap of whole networks.

The random seed by itself changes inferred networks much (Badia-i-Mompel et al. 2024, doi 10.1101/2024.12.20.629764);
edges that most reruns select are the ones to build on (stability selection, Meinshausen and Bühlmann 2010, doi
10.1111/j.1467-9868.2010.00740.x). What is run again: TF-gene weights, region-gene links, and all that follows from
them; topics, and cistromes, the evidence, are those of the main run.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grnformer.core.errors import InputError
from grnformer.grn.eregulons.funnel import STABLE, add_filter
from grnformer.workflow.originals import is_original

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

FREQUENCY = "selection_frequency"
TRIPLET = ["eregulon", "region", "gene"]
PAIR = ["tf", "gene"]


def check_stability_settings(grn: Mapping[str, Any]) -> None:
    """Refuse settings that cannot mean what was meant; `grn` is that part of a dataset's config.

    Raises
    ------
    InputError
        If the main run's seed is among those of the reruns, a frequency is asked for without reruns, reruns of an
        original tool, which runs once, or reruns with cistromes that rest on the main run's TF-gene weights.
    """
    from grnformer.grn.cistromes import describe_method

    seeds, least = grn["stability"]["seeds"], grn["stability"]["min_frequency"]
    if grn["seed"] in seeds:
        raise InputError(
            f"grn.stability.seeds {seeds} holds grn.seed, {grn['seed']}",
            "seeds of reruns that differ from the main run's",
            f"take {grn['seed']} out of grn.stability.seeds",
        )

    originals = [
        place
        for place in ("tf_gene", "cell")
        if is_original(f"grn.{place}.method", grn[place]["method"])
    ]
    if seeds and originals:
        raise InputError(
            f"grn.stability.seeds {seeds} with {', '.join(grn[place]['method'] for place in originals)}",
            "methods of this package, for reruns",
            f"choose another {' and '.join(f'grn.{place}.method' for place in originals)}, or empty the seeds",
        )

    method = grn["cistromes"]["method"]
    if seeds and describe_method(method).names_genes:
        raise InputError(
            f"grn.stability.seeds {seeds} with {method}, whose regulons are modules of the main run's TF-gene weights: "
            "every rerun would find the same",
            "cistromes that TF-gene weights have no part in, for reruns",
            "choose another grn.cistromes.method, or empty the seeds",
        )

    if least > 0 and not seeds:
        raise InputError(
            f"grn.stability.min_frequency is {least}, and grn.stability.seeds is empty",
            "reruns to take the frequencies from",
            "name seeds (such as [2, 3, 4, 5, 6]), or set min_frequency to 0",
        )


def add_frequency(
    table: pd.DataFrame, reruns: Sequence[pd.DataFrame], key: list[str]
) -> pd.DataFrame:
    """Add the column `selection_frequency`: the fraction of `reruns` that hold the row's `key`, 0 to 1.

    Without reruns the table comes back as it is, without the column.
    """
    import pandas as pd

    if not reruns:
        return table

    rows = pd.MultiIndex.from_frame(table[key])
    # reruns x rows: the mean over reruns is the frequency
    hits = [rows.isin(pd.MultiIndex.from_frame(rerun[key])) for rerun in reruns]
    return table.assign(**{FREQUENCY: np.mean(hits, axis=0)})


def keep_stable(
    eregulons: pd.DataFrame,
    reruns: Sequence[pd.DataFrame],
    *,
    min_frequency: float,
    min_targets: int,
) -> pd.DataFrame:
    """Add each triplet's frequency in `reruns` (contract eregulons, too), and drop what is too rare.

    Parameters
    ----------
    min_frequency
        Fraction of the reruns, 0 to 1, that must hold a triplet.
    min_targets
        Genes that an eRegulon must be left with.

    Raises
    ------
    InputError
        If nothing is left.
    """
    table = add_frequency(eregulons, reruns, TRIPLET)
    if not reruns or min_frequency <= 0:
        return table

    # 1e-9: a fraction such as 2/3 may equal the bound but for rounding
    kept = table[table[FREQUENCY] >= min_frequency - 1e-9]
    # what the filter leaves of an eRegulon must still be one
    kept = kept[kept.groupby("eregulon")["gene"].transform("nunique") >= min_targets]
    logger.info(
        "%d of %d triplets are in %g of %d reruns",
        len(kept),
        len(table),
        min_frequency,
        len(reruns),
    )

    if kept.empty:
        raise InputError(
            f"no eRegulon has {min_targets} genes in a fraction {min_frequency} of {len(reruns)} reruns (most frequent "
            f"triplet: {table[FREQUENCY].max():.2f})",
            "eRegulons that most reruns find again",
            "lower grn.stability.min_frequency",
        )
    return kept.reset_index(drop=True)


def count_stable(
    funnel: pd.DataFrame, stable: pd.DataFrame, *, min_frequency: float
) -> pd.DataFrame:
    """Return the funnel with what `keep_stable` left, where it had a bound to hold triplets to."""
    return add_filter(funnel, STABLE, stable) if min_frequency > 0 else funnel


def top_rows(table: pd.DataFrame, key: list[str], fraction: float) -> pd.DataFrame:
    """Keys of the `fraction` of rows with the highest importance; ties by key, so that the choice is fixed."""
    import pandas as pd

    n = max(1, round(fraction * len(table)))
    importance = table["importance"].to_numpy()
    least = np.partition(importance, len(table) - n)[len(table) - n]

    # only ties are sorted: text takes long
    above = table.loc[importance > least, key]
    tied = table.loc[importance == least, key].sort_values(key)
    return pd.concat([above, tied.head(n - len(above))])


def collect_keys(
    tf_gene: pd.DataFrame,
    region_gene: pd.DataFrame | None,
    eregulons: pd.DataFrame,
    cell_types: Mapping[str, pd.DataFrame],
    *,
    top_fraction: float,
) -> dict[tuple[str, str], pd.DataFrame]:
    """What one run selected, by (what, cell type): see `compare_runs`. Without links (None) of RNA alone."""
    found = {
        ("tf_gene_top", ""): top_rows(tf_gene, PAIR, top_fraction),
        ("eregulons", ""): eregulons[["eregulon"]],
        ("eregulon_triplets", ""): eregulons[TRIPLET],
        ("eregulon_pairs", ""): eregulons[PAIR],
    }
    if region_gene is not None:
        of_regions = top_rows(region_gene, ["region", "gene"], top_fraction)
        found["region_gene_top", ""] = of_regions
    return found | {
        ("cell_type_edges", name): table[PAIR] for name, table in cell_types.items()
    }


def compare_runs(
    runs: Mapping[int, Mapping[tuple[str, str], pd.DataFrame]],
) -> pd.DataFrame:
    """Overlap of what each two runs selected.

    Parameters
    ----------
    runs
        Seed -> keys of `collect_keys`, of which repeated ones count once; the main run first.

    Returns
    -------
    Table what, cell_type, seed, other_seed, size, other_size, jaccard (0 to 1; 1 where both are empty).
    """
    import pandas as pd

    held = {
        kind: _find_held([found.get(kind) for found in runs.values()])
        for kind in dict.fromkeys(itertools.chain.from_iterable(runs.values()))
    }

    rows = []
    for (i, seed), (j, other_seed) in itertools.combinations(enumerate(runs), 2):
        for what, cell_type in runs[seed]:
            one, other = held[what, cell_type][[i, j]]
            union, both = np.count_nonzero(one | other), np.count_nonzero(one & other)
            jaccard = both / union if union else 1.0
            rows.append(
                (
                    what,
                    cell_type,
                    seed,
                    other_seed,
                    np.count_nonzero(one),
                    np.count_nonzero(other),
                    jaccard,
                )
            )

    columns = [
        "what",
        "cell_type",
        "seed",
        "other_seed",
        "size",
        "other_size",
        "jaccard",
    ]
    return pd.DataFrame(rows, columns=columns).sort_values(
        columns[:2], kind="stable", ignore_index=True
    )


def _find_held(tables: Sequence[pd.DataFrame | None]) -> np.ndarray:
    """Which of the keys of all runs each run holds, (runs, keys); what a run does not have counts as empty."""
    import pandas as pd

    present = {i: table for i, table in enumerate(tables) if table is not None}
    keys = pd.concat(present, ignore_index=True)
    run = np.repeat(list(present), [len(table) for table in present.values()])
    # numbers in place of sets of text, which take minutes where edges are millions
    number = keys.groupby(list(keys), sort=False).ngroup().to_numpy()
    held = np.zeros((len(tables), number.max(initial=-1) + 1), dtype=bool)
    held[run, number] = True
    return held
