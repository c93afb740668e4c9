"""From profiles and a split to predictions, and from predictions to scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from grnformer.bench.metrics import PROFILE_METRICS, SCORE_COLUMNS
from grnformer.bench.perturbation.evidence import Knowledge
from grnformer.bench.perturbation.score import settings_text
from grnformer.bench.perturbation_profiles import arms
from grnformer.bench.perturbation_profiles.cells import perturbed_genes
from grnformer.bench.perturbation_profiles.evaluate import (
    BENCHMARK,
    CEILING,
    scale_estimates,
    score_fold,
)
from grnformer.bench.perturbation_profiles.heads import Fold
from grnformer.bench.perturbation_profiles.profiles import Screen, screens_of
from grnformer.bench.summary import best_baseline, summarise_scores
from grnformer.core import contracts, io


def read_by_arm(paths: Sequence[str], contract: str) -> dict[str, list[pd.DataFrame]]:
    """Arm of pretraining -> its tables, one a seed, from files .../<arm>/seed<seed>/<file>.

    Raises
    ------
    ValueError
        If a file lies elsewhere: all arms would be taken for one.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        if not path.parts[-2].startswith("seed"):
            raise ValueError(f"{path} is not .../<arm>/seed<seed>/<file>")
        table = io.read_table(path, contract)
        found.setdefault(path.parts[-3], []).append(table)
    return found


def predict_profiles(
    profiles: anndata.AnnData,
    split: pd.DataFrame,
    known: Knowledge,
    expression: pd.DataFrame,
    networks: Mapping[str, pd.DataFrame],
    embeddings: Mapping[str, Sequence[pd.DataFrame]],
    seed: int,
    shifts: Mapping[str, Sequence[pd.DataFrame]] | None = None,
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Predict the tested perturbations of every fold in every context, by all arms.

    Parameters
    ----------
    profiles
        Contract ``perturbation_profiles``.
    split
        Contract ``perturbation_split``.
    known, expression, networks, embeddings, shifts
        See `arms.gather_evidence`.

    Returns
    -------
    Predictions by contract ``profile_predictions``, and the settings of each arm: context, fold, arm, settings,
    training_error.
    """
    screens = screens_of(profiles)
    genes = perturbed_genes(profiles.obs["perturbation"])
    known.check(genes)
    evidence = arms.gather_evidence(
        known,
        expression,
        genes,
        list(profiles.var_names),
        networks,
        embeddings,
        seed,
        shifts,
    )
    rows, values, choices = [], [], []
    for screen in screens:
        for number, part in split.groupby("fold"):
            fold = Fold.of(screen.perturbations, genes, screen.differences, part)
            if not len(fold.test):
                continue
            fitted = arms.predict(fold, evidence, profiles.var_names, seed)
            for arm, found in fitted.items():
                at = {"context": screen.context, "fold": number, "arm": arm}
                chosen = settings_text(found.settings)
                choices.append(at | {"settings": chosen, "training_error": found.error})
                values.append(found.differences.astype(np.float32))
                rows += [
                    at | {"perturbation": screen.perturbations[row]}
                    for row in fold.test
                ]
    obs = pd.DataFrame(rows)
    obs.index = obs.index.astype(str)
    predictions = anndata.AnnData(
        np.vstack(values), obs=obs, var=pd.DataFrame(index=profiles.var_names)
    )
    return predictions, pd.DataFrame(choices)


def score_profiles(
    profiles: anndata.AnnData,
    split: pd.DataFrame,
    predictions: anndata.AnnData,
    screen: str,
    kind: str,
    controls: Collection[str] = (),
) -> pd.DataFrame:
    """Score all predictions; a perturbation that several folds test has the mean of these.

    Parameters
    ----------
    screen, kind
        Names of the data and of the split, for the task.
    controls
        Arms of pretraining without a graph of the data.

    Returns
    -------
    pandas.DataFrame
        Contract ``scores``, a task for each context and group; members are perturbations. A value that is not defined
        in one of several folds is missing.
    """
    contexts = screens_of(profiles)
    parts = []
    for part in contexts:
        name = f"{screen} {part.context}" if len(contexts) > 1 else screen
        found = _score_context(part, split, predictions)
        parts.append(
            found.assign(task=[f"{name}, {kind}: {g}" for g in found["group"]])
        )
    names = ["task", "arm", "perturbation"]
    long = pd.concat(parts, ignore_index=True).melt(
        names, list(PROFILE_METRICS), "metric"
    )
    grouped = long.groupby([*names, "metric"], sort=True, as_index=False)["value"]
    # a mean without the undefined ones would be of other folds than the other arms' means
    scores = grouped.agg(lambda values: values.mean(skipna=False)).assign(
        benchmark=BENCHMARK, unit="perturbation", n=profiles.n_vars
    )
    scores = scores.rename(columns={"perturbation": "member"})
    scores["kind"] = [arms.kind_of(arm, controls) for arm in scores["arm"]]
    return scores[SCORE_COLUMNS]


def _score_context(
    screen: Screen, split: pd.DataFrame, predictions: anndata.AnnData
) -> pd.DataFrame:
    """arm, perturbation, group, measures; one row a fold."""
    obs = predictions.obs
    number = {name: row for row, name in enumerate(screen.perturbations)}
    found = []
    for fold, part in split.groupby("fold"):
        part = part[part["perturbation"].isin(number)]
        here = (obs["context"] == screen.context) & (obs["fold"] == fold)
        if not here.any():
            continue
        rows = predictions[here.to_numpy()]
        tested = part[part["part"] == "test"]
        test = np.array([number[name] for name in tested["perturbation"]])
        predicted = {
            str(arm): _in_order(rows[rows.obs["arm"] == arm], tested["perturbation"])
            for arm in rows.obs["arm"].unique()
        }
        predicted[CEILING] = screen.ceiling[test]
        train = [number[n] for n in part.loc[part["part"] == "train", "perturbation"]]
        scored = score_fold(screen, np.array(train), test, predicted)
        groups = tested.set_index("perturbation")["group"]
        found.append(scored.assign(group=scored["perturbation"].map(groups)))
    return pd.concat(found, ignore_index=True)


def _in_order(rows: anndata.AnnData, names: Sequence[str]) -> np.ndarray:
    place = pd.Index(rows.obs["perturbation"]).get_indexer(list(names))
    return np.asarray(rows.X)[place]


def summarise_profiles(
    scores: pd.DataFrame, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Summary of the scores, and of each where it stands between the best baseline and the ceiling.

    Returns
    -------
    pandas.DataFrame
        Contract ``summary``.
    """
    parts = [summarise_scores(scores, n_resamples=n_resamples, seed=seed)]
    for task, group in scores.groupby("task", sort=True):
        best = {
            str(metric): found
            for metric, part in group.groupby("metric")
            if (found := best_baseline(part)) is not None
        }
        scaled = scale_estimates(group, best, n_resamples, seed)
        parts.append(scaled.assign(benchmark=BENCHMARK, task=task, unit="perturbation"))
    columns = list(contracts.load("summary")["columns"])
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)
