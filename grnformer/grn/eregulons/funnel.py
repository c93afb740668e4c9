"""How many TFs and TF-gene pairs each step towards eRegulons leaves, and where a run was emptied."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

from grnformer.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# step -> (rule whose output decides it, what to try if nothing passes)
STEPS = {
    "TFs of the run": (
        "select_tfs",
        "set grn.tfs.lists to TFs of this species, or lower grn.tfs.min_cells",
    ),
    "with a cistrome": (
        "build_cistromes",
        "lower grn.cistromes.min_abs_rho or choose other collections",
    ),
    "with linked regions of a kept sign": (
        "link_regions",
        "lower grn.eregulons.min_abs_rho_region_gene, widen grn.region_gene.window, or keep more "
        "grn.eregulons.sign_pairs, quantiles and top_regions",
    ),
    "with a TF-gene sign to keep": (
        "infer_tf_gene",
        "lower grn.eregulons.min_abs_rho_tf_gene, keep more grn.eregulons.sign_pairs, or look at tf_gene.parquet",
    ),
    "in a leading edge or known": (
        "infer_tf_gene",
        "see whether tf_gene.parquet holds importances above 0",
    ),
    "with enough targets": ("build_eregulons", "lower grn.eregulons.min_targets"),
}

# Steps that only a filter adds, in the form of STEPS.
STABLE = (
    "found again by reruns",
    ("filter_eregulons", "lower grn.stability.min_frequency"),
)
QUALITY = (
    "following their TF",
    (
        "filter_eregulons",
        "lower grn.quality.min_rho_genes and min_rho_regions, or set grn.quality.filter to false",
    ),
)


class Funnel:
    """Collects, per step, the TF-gene pairs that reach it; `tfs` are those of the run."""

    def __init__(self, tfs: Iterable[str]) -> None:
        self.n_tfs = len(set(tfs))
        self.pairs: dict[str, set[tuple[Hashable, Hashable]]] = {
            step: set() for step in STEPS
        }

    def add(self, step: str, tf: Iterable[Hashable], gene: Iterable[Hashable]) -> None:
        """Count TF-gene pairs, by names or by numbers, at `step`; a pair counts once."""
        # not strict: a TF repeated without end stops with the genes
        self.pairs[step].update(zip(tf, gene, strict=False))

    def table(self) -> pd.DataFrame:
        """Return the funnel as a table (contract funnel)."""
        import pandas as pd

        rules = [rule for rule, _ in STEPS.values()]
        tfs = [len({tf for tf, _ in pairs}) for pairs in self.pairs.values()]
        tfs[0] = self.n_tfs  # TFs of the run have no pairs yet
        pairs = [len(pairs) for pairs in self.pairs.values()]
        return pd.DataFrame(
            {"step": list(STEPS), "rule": rules, "tfs": tfs, "pairs": pairs}
        )


def add_filter(
    funnel: pd.DataFrame, filter_step: tuple[str, tuple[str, str]], kept: pd.DataFrame
) -> pd.DataFrame:
    """Return the funnel with a filter's step (STABLE or QUALITY) and the eRegulons that it keeps."""
    import pandas as pd

    step, (rule, _) = filter_step
    pairs = len(kept[["tf", "gene"]].drop_duplicates())
    row = {"step": step, "rule": rule, "tfs": kept["tf"].nunique(), "pairs": pairs}
    return pd.concat([funnel, pd.DataFrame([row])], ignore_index=True)


def check_not_empty(funnel: pd.DataFrame) -> None:
    """Raise InputError if no TF reaches the last step, naming the rule that emptied the run."""
    if funnel["tfs"].iloc[-1] > 0:
        return
    # the first empty step: those after it are empty because of it
    first = funnel.loc[funnel["tfs"] == 0, "step"].iloc[0]
    rule, remedy = (STEPS | dict([STABLE, QUALITY]))[first]
    counts = ", ".join(f"{row.tfs} {row.step}" for row in funnel.itertuples())
    raise InputError(
        f"no eRegulon is left: {rule} emptied the run, no TF is left {first!r} (TFs: {counts})",
        "at least one eRegulon",
        remedy,
    )
