"""Single cells with labels of response to a drug, by models of the bulk screen; labels are read by the scores alone.

Shapes: T training lines, C cells, F genes, R replicates.
"""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd

from grnformer.bench.drug_response.matrix import Matrix
from grnformer.bench.drug_response.screen import check_rows, match_lines
from grnformer.bench.intervals import resample
from grnformer.bench.ranks import auroc
from grnformer.bench.sc_drug.entries import is_embeddable
from grnformer.bench.sc_drug.methods import (
    METHODS,
    Problem,
    fill_with_means,
    predict_methods,
    ridge_weights,
)
from grnformer.bench.sc_drug.samples import (
    LEAST_SHARED,
    LEAST_TRAINING,
    as_lines,
    dense,
    hint,
    training_lines,
)
from grnformer.bench.sc_drug.score import as_rows, auprc
from grnformer.core.errors import InputError

BENCHMARK = "sc_drug_labels"
LEAST_CELLS = 10  # of each label
NOT_EMBEDDED = "cannot be embedded: values are z-scores"
SEPARATOR = (
    ": "  # between an arm and its pretraining seed, and a control and its number
)
WRONG, SHUFFLED = "wrong_drugs", "shuffled_responses"
_TAILS = {"2.5% quantile": 0.025, "97.5% quantile": 0.975}
_METRICS = {"cells_auroc": auroc, "cells_auprc": auprc}


def split_labels(
    cells: anndata.AnnData, entry: dict[str, Any]
) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Cells without their labels, for models; and cell, sensitive, depth, mitochondrial, for scores.

    Raises
    ------
    InputError
        If there are fewer than 10 cells of a label. Cells of other labels are left out.
    """
    label = cells.obs["label"]
    known = label.isin([entry["sensitive"], entry["resistant"]]).to_numpy()
    count = label[known].value_counts().to_dict()
    if len(count) < 2 or min(count.values()) < LEAST_CELLS:
        raise InputError(
            f"bench.sc_drug.labelled, {entry['name']}: cells by label {label.value_counts().to_dict()}",
            f"{LEAST_CELLS} cells at least of {entry['sensitive']!r} and of {entry['resistant']!r}",
            "correct label, sensitive and resistant",
        )
    kept = cells[known]
    table = kept.obs[["depth", "mitochondrial"]].rename_axis("cell").reset_index()
    table.insert(1, "sensitive", (kept.obs["label"] == entry["sensitive"]).to_numpy())
    return anndata.AnnData(kept.X, obs=kept.obs[[]], var=kept.var[[]]), table


def screen_matrix(
    rows: pd.DataFrame, expression: pd.DataFrame
) -> tuple[Matrix, pd.DataFrame]:
    """LN_IC50 of lines that have one profile, means over replicates, and their profiles in the same order.

    Raises
    ------
    InputError
        If a column is missing, or values are not finite.
    """
    check_rows(rows)
    profile_of = match_lines(rows["CELL_LINE_NAME"].unique(), expression.index, [])
    table = rows[rows["CELL_LINE_NAME"].isin(profile_of)]
    means = table.groupby(["CELL_LINE_NAME", "DRUG_NAME"])["LN_IC50"].mean()
    matrix = Matrix.from_table(
        means.rename_axis(["line", "drug"]).rename("ln_ic50").reset_index()
    )
    found = expression.loc[[profile_of[line] for line in matrix.lines]]
    return matrix, found.set_axis(matrix.lines)


def training_of(matrix: Matrix, entry: dict[str, Any]) -> tuple[np.ndarray, int]:
    """Which lines of the screen (boolean) are trained on, and the column of the drug.

    Raises
    ------
    InputError
        If the screen has no such drug, or too few lines with it.
    """
    if entry["drug"] not in matrix.drugs:
        raise InputError(
            f"bench.sc_drug.labelled, {entry['name']}: the screen has no drug {entry['drug']!r}",
            f"a drug as the screen spells it{hint(entry['drug'], matrix.drugs)}",
            "correct the drug",
        )
    column = matrix.drugs.index(entry["drug"])
    trained = training_lines(matrix.lines, set(), entry["leave_out"])
    trained &= ~np.isnan(matrix.values[:, column])
    if trained.sum() < LEAST_TRAINING:
        raise InputError(
            f"bench.sc_drug.labelled, {entry['name']}: {int(trained.sum())} lines with a response to {entry['drug']!r}",
            f"at least {LEAST_TRAINING}",
            "name another drug, or a larger screen",
        )
    return trained, column


def predict_cells(
    cells: anndata.AnnData,
    matrix: Matrix,
    expression: pd.DataFrame,
    entry: dict[str, Any],
    methods: dict[str, Any],
    scoring: dict[str, int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict LN_IC50 of each cell, without its label; settings are chosen on lines of the screen.

    Genes are standardised over the training lines, and over the cells, unless these are z-scores.

    Returns
    -------
    cell, then a column a method, `wrong_drugs: <drug>` (ridge of every other drug) and `shuffled_responses: <n>`
    (ridge of shuffled responses); the settings chosen (contract sc_drug_choices).

    Raises
    ------
    InputError
        If the screen has no such drug or too few lines with it, or fewer than 200 genes are shared.
    """
    trained, column = training_of(matrix, entry)
    lines, features = _features(cells, expression[trained], entry)
    responses = matrix.values[trained]
    problem = Problem(lines, responses[:, [column]], features, features)
    predictions, chosen = _predict(problem, list(METHODS), methods)
    found = {name: predicted[:, 0] for name, predicted in predictions.items()}

    # Ridge is linear in the responses: one matrix serves all drugs and permutations.
    penalty = float(chosen.set_index("arm").loc["ridge", "setting"])
    weights = ridge_weights(problem, penalty)
    filled = fill_with_means(responses)
    for drug, response in zip(matrix.drugs, filled.T, strict=True):
        if drug != entry["drug"]:
            found[f"{WRONG}{SEPARATOR}{drug}"] = weights @ response
    rng = np.random.default_rng(scoring["seed"])
    for number in range(1, scoring["permutations"] + 1):
        found[f"{SHUFFLED}{SEPARATOR}{number}"] = weights @ rng.permutation(
            filled[:, column]
        )
    table = pd.DataFrame(found).assign(cell=cells.obs_names.to_numpy(str))
    return table[["cell", *found]], chosen


def as_models_read(
    cells: anndata.AnnData, expression: pd.DataFrame, entry: dict[str, Any]
) -> tuple[anndata.AnnData, anndata.AnnData]:
    """Training lines and cells on the genes that both have, in one form: above the median of these lines, in SD.

    Parameters
    ----------
    expression
        Of the training lines.

    Raises
    ------
    InputError
        If the cells are z-scores, or fewer than 200 genes are shared.
    """
    if not is_embeddable(entry):
        raise InputError(
            f"bench.sc_drug.labelled, {entry['name']}: z-scores, which no model can embed",
            "counts, expected counts, TPM or their logarithms",
            "give the values from before scaling",
        )
    shared = _shared(cells, expression, entry)
    lines = anndata.AnnData(expression[shared])
    return as_lines(lines, lines), as_lines(cells[:, shared], lines)


def predict_embedded(
    of_lines: dict[str, pd.DataFrame],
    of_cells: dict[str, pd.DataFrame],
    matrix: Matrix,
    entry: dict[str, Any],
    methods: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict LN_IC50 of each cell from embeddings, without its label, by the same heads as from expression.

    Each dimension is standardised over the training lines, and over the cells, as genes are.

    Parameters
    ----------
    of_lines, of_cells
        Model ("<arm>: <seed>") -> embeddings of the training lines, and of the cells, by name.

    Returns
    -------
    cell, then a column a model and head: ridge has the name of the arm, other heads stand in brackets behind it;
    the settings chosen (contract sc_drug_choices).
    """
    trained, column = training_of(matrix, entry)
    names = np.array(matrix.lines)[trained]
    responses = matrix.values[trained][:, [column]]

    found, choices = {}, []
    for model, lines in of_lines.items():
        arm, _, seed = model.partition(SEPARATOR)
        features = _standardise(of_cells[model].to_numpy(float))
        problem = Problem(
            _standardise(lines.loc[names].to_numpy(float)),
            responses,
            features,
            features,
        )
        heads = [*methods["heads"], "logistic"]
        predictions, chosen = _predict(problem, heads, methods)
        of_head = {
            head: f"{arm if head == 'ridge' else f'{arm} ({head})'}{SEPARATOR}{seed}"
            for head in heads
        }
        for head, predicted in predictions.items():
            found[of_head[head]] = predicted[:, 0]
        choices.append(chosen.assign(arm=chosen["arm"].map(of_head)))
    cells = next(iter(of_cells.values())).index.to_numpy(str)
    table = pd.DataFrame(found).assign(cell=cells)
    return table[["cell", *found]], pd.concat(choices, ignore_index=True)


def _predict(
    problem: Problem, names: list[str], methods: dict[str, Any]
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """By each method; all lines are left out once to choose its setting."""
    n_parts = max(2, round(1 / methods["validation_fraction"]))
    return predict_methods(problem, names, methods, n_parts)


def score_cells(
    predictions: pd.DataFrame,
    labels: pd.DataFrame,
    entry: dict[str, Any],
    scoring: dict[str, int],
    arms: dict[str, str] | None = None,
) -> pd.DataFrame:
    """AUROC and AUPRC over all cells, with replicates by bootstrap over cells, beside controls.

    Of an arm of pretraining, values are means over its seeds.

    Parameters
    ----------
    predictions
        Of `predict_cells`, and where models embed the cells, also the columns of `predict_embedded`.
    arms
        Arm of pretraining -> kind. One without predictions, of cells that cannot be embedded, has a missing value.

    Returns
    -------
    Table by contract ``scores``; the task names set of cells and drug, for tasks of one set share cells.
    """
    table = labels.set_index("cell").loc[predictions["cell"]]
    sensitive = table["sensitive"].to_numpy(bool)
    # The lower the IC50, the more sensitive.
    scores = -predictions.set_index("cell")
    of_cells = table[["depth", "mitochondrial"]].astype(float).dropna(axis=1)
    columns = pd.concat([scores, of_cells], axis=1)
    names = columns.columns.str.partition(SEPARATOR).get_level_values(0)

    times = resample(len(columns), scoring["resamples"], scoring["seed"])
    rows = [np.repeat(np.arange(len(columns)), count) for count in times]
    # AUPRC is slow, and controls are many: their replicates are not needed.
    is_control = np.isin(names, (WRONG, SHUFFLED))
    plain, of_plain = columns.loc[:, ~is_control].to_numpy(), names[~is_control]
    kinds = arms or {}
    found: list[tuple[str, str, str, np.ndarray]] = []
    for metric, measure in _METRICS.items():
        values = np.array([measure(sensitive[row], plain[row]) for row in rows])
        for name in of_plain.unique():
            replicates = values[:, of_plain == name].mean(axis=1)
            # a head stands in brackets behind its arm
            kind = kinds.get(name.partition(" (")[0], "baseline")
            found.append((name, kind, metric, replicates))
        found += [
            (f"{arm} ({NOT_EMBEDDED})", kind, metric, np.array([np.nan]))
            for arm, kind in kinds.items()
            if arm not in of_plain
        ]
        for control in (WRONG, SHUFFLED):
            every = measure(sensitive, columns.loc[:, names == control].to_numpy())
            summed = {control: np.mean(every)}
            summed |= {
                f"{control} ({name})": np.quantile(every, tail)
                for name, tail in _TAILS.items()
            }
            found += [
                (name, "control", metric, np.array([value]))
                for name, value in summed.items()
            ]

    task = f"{entry['cell_set']}, {entry['drug']}"
    n = len(columns)
    parts = [
        as_rows(BENCHMARK, task, arm, kind, metric, "resample", values, n)
        for arm, kind, metric, values in found
    ]
    return pd.concat(parts, ignore_index=True)


def _features(
    cells: anndata.AnnData, expression: pd.DataFrame, entry: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Training lines (T, F) and cells (C, F) on the genes that both have."""
    shared = _shared(cells, expression, entry)
    values = dense(cells[:, shared])
    if entry["values"] != "z_scores":
        values = _standardise(values)
    return _standardise(expression[shared].to_numpy(float)), values


def _shared(
    cells: anndata.AnnData, expression: pd.DataFrame, entry: dict[str, Any]
) -> pd.Index:
    shared = expression.columns[expression.columns.isin(cells.var_names)]
    if len(shared) < LEAST_SHARED:
        raise InputError(
            f"bench.sc_drug.labelled, {entry['name']}: {len(shared)} genes that cells and screen have",
            f"at least {LEAST_SHARED}",
            "name genes by symbol, or give gene_ids",
        )
    return shared


def _standardise(values: np.ndarray) -> np.ndarray:
    """Each gene to mean 0 and SD 1; a constant one to 0."""
    sd = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(sd > 0, sd, 1.0)
