"""Methods that learn responses on bulk lines and predict those of cells; some also see the cells, without labels.

Every method takes a grid of settings and yields its predictions for each. Which one is taken is chosen on lines of the
screen alone (`tune`), with as many settings for each method.

Shapes: L lines, D drugs, S samples, C cells, F features.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from grnformer.bench.drug_response.baselines import choose
from grnformer.bench.drug_response.lines import standardise_lines
from grnformer.bench.drug_response.matrix import known_means
from grnformer.bench.drug_response.metrics import pooled_pearson
from grnformer.bench.drug_response.ridge import approximate_ridge
from grnformer.bench.sc_drug.networks import NetworkSettings, train_network
from grnformer.core.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Settings that all methods share.

    Attributes
    ----------
    components
        Principal components of features, of lines alone; ridge takes the features as they are.
    factors, rounds
        Of boosting: principal components of responses, trees for each.
    network
        Of the three networks, but for what each of them tries.
    validation_fraction
        Of the lines, by which settings are chosen.
    seed
        Of everything drawn.
    """

    components: int
    factors: int
    rounds: int
    network: NetworkSettings
    validation_fraction: float
    seed: int

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Options:
        """From the settings of the benchmark's methods."""
        return cls(
            components=settings["components"],
            factors=settings["factors"],
            rounds=settings["rounds"],
            network=NetworkSettings(settings["hidden"], settings["epochs"]),
            validation_fraction=settings["validation_fraction"],
            seed=settings["seed"],
        )


Components = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """What a method may look at: never a response of the samples.

    Attributes
    ----------
    features
        Of training lines, (L, F).
    responses
        LN_IC50 of training lines, (L, D), NaN where not measured.
    samples
        Features of what is predicted, (S, F).
    cells
        Features of cells without labels, (C, F), for methods that align them with the lines.
    of_cells
        Whether the samples are cells, not lines of the screen.
    """

    features: np.ndarray
    responses: np.ndarray
    samples: np.ndarray
    cells: np.ndarray
    of_cells: bool = True
    _found: dict[int, Components] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def components(self, number: int) -> Components:
        """Principal components of lines, samples and cells; axes and scale come from the lines alone.

        Methods that share a problem share them: found once, they may not be written to.
        """
        if number not in self._found:
            stack = np.vstack([self.features, self.samples, self.cells])
            of_lines = np.arange(len(stack)) < len(self.features)
            found = standardise_lines(stack, of_lines, number).astype(float)
            first = len(self.features)
            second = first + len(self.samples)
            self._found[number] = found[:first], found[first:second], found[second:]
        return self._found[number]


#: lines that are left out, and the problem to predict them from the others
Part = tuple[np.ndarray, Problem]
Method = Callable[[Sequence[float], Problem, Options], Iterator[np.ndarray]]


def predict_methods(
    problem: Problem,
    methods: Sequence[str],
    settings: dict[str, Any],
    n_parts: int = 1,
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Predict by each method, with a setting that is chosen on lines of the screen.

    Parameters
    ----------
    settings
        Of the benchmark's methods.
    n_parts
        Parts of the lines that are each left out once to choose a setting.

    Returns
    -------
    Predictions (S, D) of each method; arm, setting, tried (contract sc_drug_choices).

    Raises
    ------
    InputError
        If methods do not have as many settings to choose from.
    """
    grids, options = settings["grids"], Options.of(settings)
    check_budget(grids)
    predictions, chosen = {}, []
    parts = leave_out(problem, options, n_parts)
    for name in methods:
        predictions[name], setting = predict_tuned(
            name, problem, grids[name], options, parts
        )
        chosen.append({"arm": name, "setting": setting, "tried": len(grids[name])})
    return predictions, pd.DataFrame(chosen)


def predict_tuned(
    method: str,
    problem: Problem,
    grid: Sequence[float],
    options: Options,
    parts: Sequence[Part],
) -> tuple[np.ndarray, float]:
    """Choose a method's setting on lines of the screen, fit it on all of them, predict the samples.

    Parameters
    ----------
    parts
        Parts of the lines that are each left out once to choose the setting (`leave_out`).

    Returns
    -------
    Predictions (S, D), and the setting.
    """
    setting = tune(method, problem, grid, options, parts)
    logger.info("%s: %g of %s", method, setting, list(grid))
    return next(METHODS[method]([setting], problem, options)), setting


def leave_out(problem: Problem, options: Options, n_parts: int) -> list[Part]:
    """Parts of the lines, each with the problem to predict it from all other lines; the same for every method."""
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(problem.features))
    size = max(2, round(options.validation_fraction * len(order)))

    parts = []
    for number in range(n_parts):
        left_out = order[number * size : (number + 1) * size]
        kept = np.setdiff1d(order, left_out)
        inner = replace(
            problem,
            features=problem.features[kept],
            responses=problem.responses[kept],
            samples=problem.features[left_out],
            of_cells=False,
        )
        parts.append((left_out, inner))
    return parts


def tune(
    method: str,
    problem: Problem,
    grid: Sequence[float],
    options: Options,
    parts: Sequence[Part],
) -> float:
    """The setting with the highest double-centred Pearson on left-out lines; of one drug, the highest Pearson."""
    tested = np.zeros(len(problem.features), dtype=bool)
    out_of_fold = [np.full(problem.responses.shape, np.nan) for _ in grid]
    for left_out, inner in parts:
        tested[left_out] = True
        for place, predicted in enumerate(METHODS[method](grid, inner, options)):
            out_of_fold[place][left_out] = predicted

    known = ~np.isnan(problem.responses) & tested[:, None]
    if problem.responses.shape[1] == 1:
        # Undefined where predictions do not vary: never chosen before one that does.
        scores = [pooled_pearson(problem.responses, p, known) for p in out_of_fold]
        return grid[int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))]
    return choose(problem.responses, known, grid, out_of_fold)


def check_budget(grids: dict[str, list[float]]) -> None:
    """Raise InputError unless all methods have as many settings to choose from."""
    sizes = {name: len(grid) for name, grid in grids.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(
            f"bench.sc_drug.methods.grids with numbers of settings {sizes}",
            "as many settings for each method: more would be an advantage",
            "give all grids the same length",
        )


def ridge(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """Ridge of each drug on all features; what a drug lacks is filled by its mean. Penalty: see `Grids`."""
    yield from _ridge(problem.features, problem, problem.samples, list(grid))


def neighbours(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """Mean of the nearest lines, by cosine of principal components, with a known response."""
    from sklearn.neighbors import NearestNeighbors

    lines, samples, _ = problem.components(options.components)
    most = min(max(int(k) for k in grid), len(lines))
    nearest = NearestNeighbors(n_neighbors=most, metric="cosine").fit(lines)
    order = nearest.kneighbors(samples, return_distance=False)

    known = ~np.isnan(problem.responses)
    mean = known_means(problem.responses, known, axis=0)
    filled = np.where(known, problem.responses - mean, 0.0)
    for k in grid:
        # (S, k, D): a line without a response has no say.
        chosen = order[:, : int(k)]
        count = known[chosen].sum(axis=1)
        yield mean + filled[chosen].sum(axis=1) / np.maximum(count, 1)


def boosting(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """Gradient boosting of the principal components of responses. Setting: learning rate."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    lines, samples, _ = problem.components(options.components)
    known = ~np.isnan(problem.responses)
    mean = known_means(problem.responses, known, axis=0)
    filled = np.where(known, problem.responses - mean, 0.0)
    # Drugs are many and alike: a few components hold what lines share.
    scores, scale, axes = np.linalg.svd(filled, full_matrices=False)
    kept = min(options.factors, len(scale))
    targets = scores[:, :kept] * scale[:kept]
    for rate in grid:
        models = [
            HistGradientBoostingRegressor(
                learning_rate=rate,
                max_iter=options.rounds,
                max_leaf_nodes=8,
                random_state=options.seed,
            ).fit(lines, target)
            for target in targets.T
        ]
        predicted = np.column_stack([model.predict(samples) for model in models])
        yield mean + predicted @ axes[:kept]


def logistic(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """Probability of a response above the drug's median over lines. Setting: inverse penalty. For few drugs."""
    from sklearn.linear_model import LogisticRegression

    lines, samples, _ = problem.components(options.components)
    for penalty in grid:
        columns = []
        for response in problem.responses.T:
            known = ~np.isnan(response)
            resistant = response[known] > np.median(response[known])
            model = LogisticRegression(C=penalty, max_iter=1000)
            model.fit(lines[known], resistant)
            columns.append(model.predict_proba(samples)[:, 1])
        yield np.column_stack(columns)


def coral(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """Ridge after CORAL (doi 10.1609/aaai.v30i1.10306): lines get mean and covariance of the cells."""
    lines, samples, cells = problem.components(options.components)
    centre = cells.mean(axis=0)
    # The identity added, as in the source: cells may be fewer than components.
    unit = np.eye(lines.shape[1])
    towards = _power(np.cov(lines.T) + unit, -0.5) @ _power(np.cov(cells.T) + unit, 0.5)

    aligned = lines @ towards
    queries = samples - centre if problem.of_cells else samples @ towards
    yield from _ridge(aligned, problem, queries, list(grid))


def network(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """The network of the next two, without cells. Setting: weight decay."""
    tried = [replace(options.network, weight_decay=decay) for decay in grid]
    yield from _train_each(tried, problem, options)


def mmd(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """A network whose layer has the least discrepancy of lines and cells (doi 10.5555/2188385.2188410)."""
    tried = [replace(options.network, adapt="mmd", weight=weight) for weight in grid]
    yield from _train_each(tried, problem, options)


def adversarial(
    grid: Sequence[float], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    """A network whose layer does not tell cells from lines, as SCAD's (doi 10.1002/advs.202204113)."""
    tried = [
        replace(options.network, adapt="adversarial", weight=weight) for weight in grid
    ]
    yield from _train_each(tried, problem, options)


METHODS: dict[str, Method] = {
    "ridge": ridge,
    "neighbours": neighbours,
    "boosting": boosting,
    "logistic": logistic,
    "coral": coral,
    "network": network,
    "mmd": mmd,
    "adversarial": adversarial,
}


def ridge_weights(problem: Problem, alpha: float) -> np.ndarray:
    """Ridge as a matrix (S, L): predictions of the samples are its product with any responses of the lines."""
    unit = replace(problem, responses=np.eye(len(problem.features)))
    return next(_ridge(problem.features, unit, problem.samples, [alpha]))


def fill_with_means(responses: np.ndarray) -> np.ndarray:
    """Responses (L, D), with the drug's mean where they were not measured."""
    known = ~np.isnan(responses)
    return np.where(known, responses, known_means(responses, known, axis=0))


def _train_each(
    tried: Sequence[NetworkSettings], problem: Problem, options: Options
) -> Iterator[np.ndarray]:
    lines, samples, cells = problem.components(options.components)
    for settings in tried:
        yield train_network(
            lines,
            problem.responses,
            samples,
            cells,
            settings=settings,
            seed=options.seed,
        )


def _ridge(
    lines: np.ndarray, problem: Problem, samples: np.ndarray, grid: list[float]
) -> Iterator[np.ndarray]:
    stack = np.vstack([lines, samples])
    values = np.full((len(stack), problem.responses.shape[1]), np.nan)
    values[: len(lines)] = problem.responses
    for predicted in approximate_ridge(values, ~np.isnan(values), stack, grid):
        yield predicted[len(lines) :]


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Power of a symmetric, positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T
