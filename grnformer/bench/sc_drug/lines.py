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
from grnformer.bench.drug_response.ridge import approximate_ridge
from grnformer.bench.sc_drug.methods import (
    Options,
    Problem,
    check_budget,
    predict_tuned,
)
from grnformer.bench.sc_drug.networks import NetworkSettings
from grnformer.bench.sc_drug.samples import LEVELS, make_samples, training_lines
from grnformer.bench.sc_drug.score import (
    LEAST_LINES,
    as_rows,
    double_centred_by_line,
    resample,
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
LEAST_TRAINING = 50
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
    """

    samples: pd.DataFrame
    lines: list[str]
    training: list[str]
    drugs: list[str]
    responses: np.ndarray
    truth: np.ndarray
    weights: Any


def set_up(
    line_of_cell: np.ndarray,
    responses: pd.DataFrame,
    *,
    aliases: list[str],
    samples: dict[str, int],
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

    Raises
    ------
    InputError
        If fewer than two lines are tested or fewer than 50 are left to train on.
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
    return Tested(
        samples=pd.concat([bulk, of_cells], ignore_index=True),
        lines=lines,
        training=[
            line for line, keep in zip(matrix.lines, trained, strict=True) if keep
        ],
        drugs=matrix.drugs,
        responses=matrix.values[trained],
        truth=matrix.values[places],
        weights=weights,
    )


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


def predict_methods(
    problem: Problem,
    methods: Sequence[str],
    grids: dict[str, list[float]],
    options: Options,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Predictions (S, D) of each method, and the setting it was given: arm, setting, tried."""
    check_budget(grids)
    predictions, chosen = {}, []
    for name in methods:
        predictions[name], setting = predict_tuned(
            name, problem, grids[name], options, n_folds=1
        )
        chosen.append({"arm": name, "setting": setting, "tried": len(grids[name])})
    return predictions, pd.DataFrame(chosen)


def options_of(settings: dict[str, Any]) -> Options:
    """Options of all methods, from the settings of the benchmark."""
    return Options(
        components=settings["components"],
        factors=settings["factors"],
        rounds=settings["rounds"],
        network=NetworkSettings(settings["hidden"], settings["epochs"]),
        validation_fraction=settings["validation_fraction"],
        seed=settings["seed"],
    )


def score_samples(
    tested: Tested,
    arms: dict[str, list[np.ndarray]],
    kind: str,
    *,
    subsets: dict[str, list[str]],
    resamples: int,
    seed: int,
    levels: Sequence[str] = (BULK, *LEVELS),
) -> pd.DataFrame:
    """Score predictions at each level, over all tested lines and over subsets of them.

    Parameters
    ----------
    arms
        Name -> predictions (S, D) of each seed; the score is the mean over seeds.
    subsets
        Name -> lines.
    resamples, seed
        Of the bootstrap over lines, the same for all arms; none below six lines.

    Raises
    ------
    InputError
        If a subset names a line that is not tested, or fewer than 10 drugs were measured in two of its lines.
    """
    parts = []
    for subset, names in {"": tested.lines, **subsets}.items():
        _check_subset(subset, names, tested)
        places = [tested.lines.index(name) for name in sorted(names)]
        truth = tested.truth[places]
        # A drug of one line tells nothing of differences.
        measured = (~np.isnan(truth)).sum(axis=0) >= 2
        _check_drugs(measured, subset)

        of_line = {name: place for place, name in enumerate(sorted(names))}
        replicates = resamples if len(names) >= LEAST_LINES else 0
        times = resample(len(names), replicates, seed)
        for level in levels:
            chosen = (tested.samples["level"] == level) & tested.samples["line"].isin(
                names
            )
            line = tested.samples.loc[chosen, "line"].map(of_line).to_numpy()
            for arm, seeds in arms.items():
                values = [
                    double_centred_by_line(
                        truth[:, measured],
                        predicted[np.ix_(chosen, measured)],
                        line,
                        times,
                    )
                    for predicted in seeds
                ]
                parts.append(
                    as_rows(
                        BENCHMARK,
                        f"{level}, {subset}" if subset else level,
                        arm,
                        kind,
                        METRIC,
                        "resample",
                        np.mean(values, axis=0),
                        len(names),
                    )
                )
    return pd.concat(parts, ignore_index=True)


def score_shuffled(
    tested: Tested,
    problem: Problem,
    alpha: float,
    *,
    subsets: dict[str, list[str]],
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Scores of ridge on responses shuffled over lines: their mean, and the quantile that 97.5% stay below."""
    rng = np.random.default_rng(seed)
    known = ~np.isnan(problem.responses)
    mean = known_means(problem.responses, known, axis=0)
    filled = np.where(known, problem.responses, mean)
    order = [rng.permutation(len(filled)) for _ in range(permutations)]

    # Predictions are linear in the responses: one factor serves all permutations.
    stack = np.vstack([problem.features, problem.samples])
    values = np.full((len(stack), len(filled)), np.nan)
    values[: len(filled)] = np.eye(len(filled))
    (smoother,) = approximate_ridge(values, ~np.isnan(values), stack, [alpha])
    smoother = smoother[len(filled) :]

    parts = []
    for subset in ("", *subsets):
        chosen = {subset: subsets[subset]} if subset else {}
        per_order = [
            score_samples(
                tested,
                {SHUFFLED: [smoother @ filled[rows]]},
                "control",
                subsets=chosen,
                resamples=0,
                seed=seed,
            )
            for rows in order
        ]
        every = pd.concat(per_order).groupby(
            ["benchmark", "task", "kind", "metric", "unit", "member"], sort=False
        )
        summed = every.agg(
            **{
                SHUFFLED: ("value", "mean"),
                f"{SHUFFLED} (97.5% quantile)": ("value", lambda v: v.quantile(_TAIL)),
                "n": ("n", "first"),
            }
        ).reset_index()
        parts.append(summed)
    table = pd.concat(parts).drop_duplicates("task")
    return table.melt(
        id_vars=["benchmark", "task", "kind", "metric", "unit", "member", "n"],
        var_name="arm",
        value_name="value",
    )


def evaluate_expression(
    tested: Tested,
    problem: Problem,
    *,
    subsets: dict[str, list[str]],
    methods: dict[str, Any],
    scoring: dict[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All methods on expression, the naive means, the ceiling and shuffled responses.

    Returns
    -------
    Table by contract ``scores``; settings that were chosen (contract sc_drug_choices).
    """
    options, boot = options_of(methods), bootstrap_of(scoring)
    found, chosen = predict_methods(
        problem, EXPRESSION_METHODS, methods["grids"], options
    )
    # A drug's mean has no interaction: undefined here, and shown as such.
    known = ~np.isnan(problem.responses)
    mean = known_means(problem.responses, known, axis=0)
    found["drug_mean"] = np.broadcast_to(mean, found["ridge"].shape)

    arms = {name: [predicted] for name, predicted in found.items()}
    plain = {name: arm for name, arm in arms.items() if name not in ADAPTED}
    ridge_setting = float(chosen.set_index("arm").loc["ridge", "setting"])
    parts = [
        score_samples(tested, arms, "baseline", subsets=subsets, levels=LEVELS, **boot),
        # Methods that align lines with cells have nothing to align here.
        score_samples(
            tested, plain, "baseline", subsets=subsets, levels=(BULK,), **boot
        ),
        score_ceiling(tested, found["ridge"], subsets=subsets, **boot),
        score_shuffled(
            tested,
            problem,
            ridge_setting,
            subsets=subsets,
            permutations=scoring["permutations"],
            seed=scoring["seed"],
        ),
    ]
    return pd.concat(parts, ignore_index=True), chosen


def evaluate_embedding(
    tested: Tested,
    problems: list[Problem],
    arm: str,
    *,
    subsets: dict[str, list[str]],
    methods: dict[str, Any],
    scoring: dict[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The heads on embeddings of one arm, one problem a pretraining seed; as `evaluate_expression`.

    Ridge has the name of the arm, other heads stand in brackets.
    """
    options = options_of(methods)
    names = {h: arm if h == "ridge" else f"{arm} ({h})" for h in methods["heads"]}
    arms: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    choices = []
    for number, problem in enumerate(problems, start=1):
        found, chosen = predict_methods(
            problem, methods["heads"], methods["grids"], options
        )
        for head, predicted in found.items():
            arms[names[head]].append(predicted)
        seed = f", model {number}" if len(problems) > 1 else ""
        choices.append(chosen.assign(arm=chosen["arm"].map(names) + seed))
    scores = score_samples(
        tested, arms, "model", subsets=subsets, **bootstrap_of(scoring)
    )
    return scores, pd.concat(choices, ignore_index=True)


def bootstrap_of(scoring: dict[str, int]) -> dict[str, Any]:
    """Arguments of `score_samples` from the settings."""
    return {"resamples": scoring["resamples"], "seed": scoring["seed"]}


def score_ceiling(
    tested: Tested,
    predicted: np.ndarray,
    *,
    subsets: dict[str, list[str]],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Ridge on the lines' own bulk profiles, beside every other level: what cells could reach at best."""
    bulk = score_samples(
        tested,
        {CEILING: [predicted]},
        "reference",
        subsets=subsets,
        resamples=resamples,
        seed=seed,
        levels=(BULK,),
    )
    tasks = bulk["task"].str.removeprefix(BULK)
    return pd.concat([bulk.assign(task=level + tasks) for level in LEVELS])


def _check_subset(subset: str, names: list[str], tested: Tested) -> None:
    unknown = sorted(set(names) - set(tested.lines))
    if unknown or len(set(names)) < 2:
        raise InputError(
            f"bench.sc_drug.subsets.{subset}: {unknown or names}",
            f"two lines at least, of those tested: {tested.lines}",
            "correct the subset",
        )


def _check_drugs(measured: np.ndarray, subset: str) -> None:
    if measured.sum() < LEAST_DRUGS:
        raise InputError(
            f"{int(measured.sum())} drugs measured in two tested lines{f' of {subset}' if subset else ''}",
            f"at least {LEAST_DRUGS}",
            "name cells of lines with more measured drugs",
        )
