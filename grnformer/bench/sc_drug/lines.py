"""Single cells of known lines: models learn on all other lines of the screen, and are scored against the lines' own.

Shapes: L tested lines, T training lines, D drugs, S samples, C cells, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.drug_response.matrix import Matrix, known_means
from grnformer.bench.intervals import resample
from grnformer.bench.sc_drug.methods import (
    Problem,
    fill_with_means,
    predict_methods,
    ridge_weights,
)
from grnformer.bench.sc_drug.samples import (
    LEAST_TRAINING,
    LEVELS,
    make_samples,
    training_lines,
)
from grnformer.bench.sc_drug.score import (
    LEAST_LINES,
    as_rows,
    double_centred_by_line,
)
from grnformer.core.errors import InputError

BENCHMARK = "sc_drug_lines"
METRIC = "lines_double_centred_pearson"
BULK = "bulk"
CEILING = "ceiling"  # ridge on the lines' own bulk profiles
SHUFFLED = "shuffled_responses"
EXPRESSION_METHODS = (
    "ridge",
    "neighbours",
    "boosting",
    "network",
    "coral",
    "mmd",
    "adversarial",
)
ADAPTED = ("coral", "mmd", "adversarial")
LEAST_DRUGS = 10
_TAIL = 0.975


@dataclass(frozen=True)
class Tested:
    """Samples of tested lines, and the screen around them.

    Attributes
    ----------
    samples
        level, sample, line; the first L rows are the lines' bulk profiles.
    lines
        The tested lines, sorted.
    training
        Names of the lines that may be trained on, T.
    drugs
        Names.
    responses
        LN_IC50 of the training lines, (T, D), NaN where not measured.
    truth
        Of the tested lines, (L, D), NaN where not measured; no model sees it.
    weights
        Which cells each sample but the bulk ones is the mean of, (S - L, C).
    subsets
        Name -> lines (sorted) that are scored together; "": all of them.
    """

    samples: pd.DataFrame
    lines: list[str]
    training: list[str]
    drugs: list[str]
    responses: np.ndarray
    truth: np.ndarray
    weights: Any
    subsets: dict[str, list[str]]

    def measured(self, subset: str) -> np.ndarray:
        """Which drugs (D,) were measured in two lines of a subset: one line tells nothing of differences."""
        truth = self.truth[self.places(subset)]
        return np.asarray((~np.isnan(truth)).sum(axis=0) >= 2)

    def places(self, subset: str) -> list[int]:
        """Numbers of a subset's lines."""
        return [self.lines.index(line) for line in self.subsets[subset]]


def set_up(
    line_of_cell: np.ndarray,
    responses: pd.DataFrame,
    *,
    aliases: list[str],
    samples: dict[str, int],
    subsets: dict[str, list[str]],
) -> Tested:
    """Take the tested lines, under every spelling, out of training, and make samples of their cells.

    Parameters
    ----------
    line_of_cell
        (C,), as the screen spells them.
    responses
        Of the whole screen (contract drug_responses).
    aliases
        Further names that are left out of training.
    samples
        pool_size, pools, seed of `make_samples`.
    subsets
        Name -> tested lines that are also scored by themselves.

    Raises
    ------
    InputError
        If fewer than two lines are tested or fewer than 50 are left to train on, a subset names a line that is not
        tested, or fewer than 10 drugs were measured in two of its lines.
    """
    matrix = Matrix.from_table(responses)
    lines = sorted(set(line_of_cell))
    trained = training_lines(matrix.lines, set(lines), aliases)
    if len(lines) < 2 or trained.sum() < LEAST_TRAINING:
        raise InputError(
            f"{len(lines)} tested lines, {int(trained.sum())} lines to train on",
            f"two tested lines at least, and {LEAST_TRAINING} others with responses",
            "name cells of further lines, or give a larger screen",
        )

    of_cells, weights = make_samples(
        line_of_cell, samples["pool_size"], samples["pools"], samples["seed"]
    )
    bulk = pd.DataFrame({"level": BULK, "sample": lines, "line": lines})
    places = [matrix.lines.index(line) for line in lines]
    tested = Tested(
        samples=pd.concat([bulk, of_cells], ignore_index=True),
        lines=lines,
        training=[
            line for line, keep in zip(matrix.lines, trained, strict=True) if keep
        ],
        drugs=matrix.drugs,
        responses=matrix.values[trained],
        truth=matrix.values[places],
        weights=weights,
        subsets={"": lines} | {name: sorted(set(of)) for name, of in subsets.items()},
    )
    # Before any model is fitted.
    for subset in tested.subsets:
        _check_subset(subset, tested)
    return tested


def problem_of(tested: Tested, of_lines: pd.DataFrame, of_cells: np.ndarray) -> Problem:
    """What models may look at: features of lines (by name) and of cells (C, F), responses of training lines alone."""
    missing = sorted({*tested.lines, *tested.training} - set(of_lines.index))
    if missing:
        raise InputError(
            f"{len(missing)} lines of the screen without features, first {missing[0]!r}",
            "features of every line",
            "embed the expression of the same screen",
        )
    samples = np.vstack([of_lines.loc[tested.lines], tested.weights @ of_cells])
    return Problem(
        of_lines.loc[tested.training].to_numpy(float),
        tested.responses,
        samples,
        np.asarray(of_cells, dtype=float),
    )


def score_samples(
    tested: Tested,
    arms: dict[str, list[np.ndarray]],
    kind: str,
    *,
    resamples: int,
    seed: int,
    levels: Sequence[str] = (BULK, *LEVELS),
) -> pd.DataFrame:
    """Score predictions at each level, over all tested lines and over subsets of them.

    Parameters
    ----------
    arms
        Name -> predictions (S, D) of each seed; the score is the mean over seeds.
    resamples, seed
        Of the bootstrap over lines, the same for all arms; none below six lines.
    """
    parts = []
    for subset, names in tested.subsets.items():
        measured = tested.measured(subset)
        truth = tested.truth[tested.places(subset)][:, measured]
        of_line = {name: place for place, name in enumerate(names)}
        replicates = resamples if len(names) >= LEAST_LINES else 0
        times = resample(len(names), replicates, seed)
        for level in levels:
            samples = tested.samples
            chosen = (samples["level"] == level) & samples["line"].isin(names)
            line = samples.loc[chosen, "line"].map(of_line).to_numpy()
            pairs = np.ix_(chosen, measured)
            task = f"{level}, {subset}" if subset else level
            for arm, seeds in arms.items():
                values = [
                    double_centred_by_line(truth, predicted[pairs], line, times)
                    for predicted in seeds
                ]
                mean, n = np.mean(values, axis=0), len(names)
                parts.append(
                    as_rows(BENCHMARK, task, arm, kind, METRIC, "resample", mean, n)
                )
    return pd.concat(parts, ignore_index=True)


def score_shuffled(
    tested: Tested, problem: Problem, alpha: float, *, permutations: int, seed: int
) -> pd.DataFrame:
    """Scores of ridge on responses shuffled over lines: their mean, and the quantile that 97.5% stay below."""
    rng = np.random.default_rng(seed)
    filled = fill_with_means(problem.responses)
    # Predictions are linear in the responses: one matrix serves all permutations.
    weights = ridge_weights(problem, alpha)
    shuffled = {
        str(number): [weights @ filled[rng.permutation(len(filled))]]
        for number in range(permutations)
    }
    scores = score_samples(tested, shuffled, "control", resamples=0, seed=seed)

    same = ["benchmark", "task", "kind", "metric", "unit", "member", "n"]
    of_task = scores.groupby(same, sort=False)["value"]
    summed = {
        SHUFFLED: of_task.mean(),
        f"{SHUFFLED} (97.5% quantile)": of_task.agg(
            lambda values: values.quantile(_TAIL)
        ),
    }
    return pd.concat(
        [values.reset_index().assign(arm=arm) for arm, values in summed.items()]
    )


def evaluate_expression(
    tested: Tested,
    problem: Problem,
    *,
    methods: dict[str, Any],
    scoring: dict[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All methods on expression, the naive means, the ceiling and shuffled responses.

    Returns
    -------
    Table by contract ``scores``; settings that were chosen (contract sc_drug_choices).
    """
    found, chosen = predict_methods(problem, EXPRESSION_METHODS, methods)
    # A drug's mean has no interaction: undefined here, and shown as such.
    mean = known_means(problem.responses, ~np.isnan(problem.responses), axis=0)
    found["drug_mean"] = np.broadcast_to(mean, found["ridge"].shape)

    arms = {name: [predicted] for name, predicted in found.items()}
    plain = {name: arm for name, arm in arms.items() if name not in ADAPTED}
    ridge_setting = float(chosen.set_index("arm").loc["ridge", "setting"])
    boot = {name: scoring[name] for name in ("resamples", "seed")}
    shuffles = {name: scoring[name] for name in ("permutations", "seed")}
    parts = [
        score_samples(tested, arms, "baseline", levels=LEVELS, **boot),
        # Methods that align lines with cells have nothing to align here.
        score_samples(tested, plain, "baseline", levels=(BULK,), **boot),
        score_ceiling(tested, found["ridge"], **boot),
        score_shuffled(tested, problem, ridge_setting, **shuffles),
    ]
    return pd.concat(parts, ignore_index=True), chosen


def evaluate_embedding(
    tested: Tested,
    problems: list[Problem],
    arm: str,
    *,
    methods: dict[str, Any],
    scoring: dict[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The heads on embeddings of one arm, one problem a pretraining seed; as `evaluate_expression`.

    Ridge has the name of the arm, other heads stand in brackets.
    """
    names = {h: arm if h == "ridge" else f"{arm} ({h})" for h in methods["heads"]}
    arms: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    choices = []
    for number, problem in enumerate(problems, start=1):
        found, chosen = predict_methods(problem, methods["heads"], methods)
        for head, predicted in found.items():
            arms[names[head]].append(predicted)
        seed = f", model {number}" if len(problems) > 1 else ""
        choices.append(chosen.assign(arm=chosen["arm"].map(names) + seed))
    scores = score_samples(
        tested, arms, "model", resamples=scoring["resamples"], seed=scoring["seed"]
    )
    return scores, pd.concat(choices, ignore_index=True)


def score_ceiling(
    tested: Tested, predicted: np.ndarray, *, resamples: int, seed: int
) -> pd.DataFrame:
    """Ridge on the lines' own bulk profiles, beside every other level: what cells could reach at best."""
    bulk = score_samples(
        tested,
        {CEILING: [predicted]},
        "reference",
        resamples=resamples,
        seed=seed,
        levels=(BULK,),
    )
    tasks = bulk["task"].str.removeprefix(BULK)
    return pd.concat([bulk.assign(task=level + tasks) for level in LEVELS])


def _check_subset(subset: str, tested: Tested) -> None:
    names = tested.subsets[subset]
    unknown = sorted(set(names) - set(tested.lines))
    if unknown or len(set(names)) < 2:
        raise InputError(
            f"bench.sc_drug.subsets.{subset}: {unknown or names}",
            f"two lines at least, of those tested: {tested.lines}",
            "correct the subset",
        )
    n_drugs = int(tested.measured(subset).sum())
    if n_drugs < LEAST_DRUGS:
        raise InputError(
            f"{n_drugs} drugs measured in two tested lines{f' of {subset}' if subset else ''}",
            f"at least {LEAST_DRUGS}",
            "name cells of lines with more measured drugs",
        )
