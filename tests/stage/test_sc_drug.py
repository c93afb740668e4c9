"""The rules of single-cell drug response on a made-up screen with a planted interaction."""

import pickle

import anndata
import numpy as np
import pandas as pd
import torch

from grnformer.core import io
from grnformer.settings.read import read_defaults

ENTRY = read_defaults("bench")["sc_drug"]["lines"][0]
LINES = [f"L-{i:02d}" for i in range(80)]
TESTED = LINES[:7]
GENES = [f"G{i}" for i in range(220)]


def write_inputs(folder, rng):
    """A prepared screen, and 12 cells of seven of its lines: noisy counts around their profiles."""
    factors = rng.normal(size=(80, 2))
    values = factors @ rng.normal(size=(2, 12)) + rng.normal(size=(80, 1))
    row, column = np.indices(values.shape).reshape(2, -1)
    responses = pd.DataFrame(
        {
            "line": np.array(LINES)[row],
            "drug": [f"drug{j:02d}" for j in column],
            "ln_ic50": values.ravel(),
            "n_rows": 1,
        }
    )
    profiles = factors @ rng.normal(size=(2, 220)) + 0.2 * rng.normal(size=(80, 220))
    profiles -= profiles.mean(axis=1, keepdims=True)
    profiles /= profiles.std(axis=1, keepdims=True)
    expression = anndata.AnnData(
        profiles, obs=pd.DataFrame(index=LINES), var=pd.DataFrame(index=GENES)
    )
    screen = folder / "results" / "bench" / "drug_response"
    io.write_table(responses, screen / "responses.parquet", "drug_responses")
    io.write_anndata(expression, screen / "expression.h5ad", "line_expression")

    line = np.repeat(np.arange(7), 12)
    counts = rng.poisson(5 * np.exp(profiles[line]))
    cells = [f"c{i}" for i in range(len(line))]
    pd.DataFrame(counts.T, GENES, cells).to_csv(folder / "cells.csv")
    pd.DataFrame({"x": np.array(TESTED)[line]}, cells).to_csv(folder / "labels.csv")
    embedding = pd.DataFrame(factors, columns=["dim_0", "dim_1"])
    noisy = embedding.iloc[line] + 0.5 * rng.normal(size=(len(line), 2))
    return embedding.assign(line=LINES), noisy.assign(cell=[f"own:{c}" for c in cells])


def test_cells_go_from_files_to_scores_beside_their_ceiling(
    tmp_path, run_rules, model_card
):
    of_lines, of_cells = write_inputs(tmp_path, np.random.default_rng(0))
    results = tmp_path / "results" / "tiny"
    for seed in (1, 2):
        for arm in ("hybrid", "none", "no_edges", "random"):
            path = f"embedding/{arm}/seed{seed}.parquet"
            bench = results / "bench"
            io.write_table(of_lines, bench / "drug_response" / path, "line_embedding")
            io.write_table(of_cells, bench / "sc_drug" / path, "cell_embedding")
            graph = "none" if arm == "no_edges" else arm
            model_card(results / f"pretrain/{arm}/seed{seed}", graph, seed)
    entry = ENTRY | {
        "name": "own",
        "cells": "cells.csv",
        "labels": "labels.csv",
        "lines": {line: line for line in TESTED},
    }
    single = {
        "lines": [entry],
        "methods": {"heads": ["ridge", "neighbours"], "epochs": 2, "rounds": 5},
        "scoring": {"resamples": 100, "permutations": 20},
    }
    config = {
        "bench": {"sc_drug": single},
        "pretrain": {"seeds": [1, 2]},
    }
    rules = [
        "prepare_sc_drug_lines",
        "predict_sc_drug_lines",
        "predict_sc_drug_arm",
        "score_sc_drug_lines",
    ]
    target = "results/tiny/bench/sc_drug/summary.tsv"
    run = run_rules([target], rules, config)
    assert run.returncode == 0, run.stderr

    cells = io.read_anndata(tmp_path / "results/bench/sc_drug/cells.h5ad", "line_cells")
    assert cells.obs["line"].value_counts().to_dict() == dict.fromkeys(TESTED, 12)
    summary = io.read_table(tmp_path / target, "summary").set_index(["task", "arm"])
    of_cell = summary.loc["cell"]
    assert of_cell["kind"].value_counts().to_dict() == {
        "baseline": 8,
        "control": 8,
        "model": 2,
        "reference": 1,
    }
    assert np.isnan(of_cell.loc["drug_mean", "estimate"])
    assert of_cell.loc["drug_mean", "failed"] == 101
    assert of_cell.loc["ceiling", "estimate"] > 0.8
    assert of_cell.loc["ridge", "estimate"] > 0.5
    assert of_cell.loc["hybrid", "low"] < of_cell.loc["hybrid", "estimate"]
    choices = io.read_table(
        results / "bench/sc_drug/choices.tsv", "sc_drug_choices"
    ).set_index("arm")
    assert set(choices["tried"]) == {4}
    assert {"ridge", "hybrid, model 1", "none (neighbours), model 2"} < set(
        choices.index
    )


def test_labelled_cells_are_scored_by_embeddings_where_they_can_be_embedded(
    tmp_path, run_rules
):
    """Two sets: counts, embedded by one model of each arm, and z-scores, which are told as failed."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(80, 2))
    rows = {"CELL_LINE_NAME": LINES, "DRUG_NAME": "drug", "LN_IC50": factors[:, 0]}
    pd.DataFrame(rows).to_csv(tmp_path / "screen.csv", index=False)
    genes = torch.from_numpy(rng.normal(size=(80, 220)))
    with (tmp_path / "profiles.pkl").open("wb") as file:
        pickle.dump(dict(zip(LINES, genes, strict=True)), file)
    (tmp_path / "genes.txt").write_text("\n".join(GENES))
    (tmp_path / "cells.h5ad").touch()

    cells = [f"c{i}" for i in range(40)]
    labels = pd.DataFrame({"cell": cells, "sensitive": factors[:40, 0] < 0})
    labels = labels.assign(depth=1.0, mitochondrial=np.nan)
    made = tmp_path / "results" / "bench" / "sc_drug" / "labels"
    naive = pd.DataFrame({"cell": cells, "ridge": rng.normal(size=40)})
    naive = naive.assign(**{"wrong_drugs: a": 0.0, "shuffled_responses: 1": 0.0})
    for name in ("counts", "scaled"):
        io.write_table(labels, made / name / "labels.tsv", "cell_labels")
        io.write_table(naive, made / name / "predictions.parquet", "cell_predictions")
    for arm in ("hybrid", "none", "no_edges", "random"):
        known = factors if arm == "hybrid" else rng.normal(size=(80, 2))
        table = pd.DataFrame(known, columns=["dim_0", "dim_1"])
        folder = tmp_path / f"results/tiny/bench/sc_drug/labels/counts/{arm}/seed1"
        of_lines, of_cells = table.assign(line=LINES), table[:40].assign(cell=cells)
        io.write_table(of_lines, folder / "lines.parquet", "line_embedding")
        io.write_table(of_cells, folder / "cells.parquet", "cell_embedding")

    entry = {key: ENTRY[key] for key in ("rows", "gene_ids", "keep")}
    entry |= {"cells": "cells.h5ad", "labels": None, "label": "x", "leave_out": []}
    entry |= {"screen": "screen.csv", "drug": "drug", "sensitive": "s"}
    entry |= {"resistant": "r"}
    scales = {"counts": "linear", "scaled": "z_scores"}
    labelled = [
        entry | {"name": name, "values": scale, "cell_set": name}
        for name, scale in scales.items()
    ]
    config = {
        "pretrain": {"seeds": [1]},
        "bench": {
            "drug_response": {"expression": "profiles.pkl", "genes": "genes.txt"},
            "sc_drug": {
                "models": "tiny",
                "labelled": labelled,
                "methods": {"heads": ["ridge"]},
                "scoring": {"resamples": 100},
            },
        },
    }
    target = "results/bench/sc_drug/labels/summary.tsv"
    rules = ["predict_sc_drug_embedded", "score_sc_drug_labels"]
    run = run_rules([target], rules, config)
    assert run.returncode == 0, run.stderr

    summary = io.read_table(tmp_path / target, "summary")
    table = summary[summary["metric"] == "cells_auroc"].set_index(["task", "arm"])
    of_counts, of_scaled = table.loc["counts, drug"], table.loc["scaled, drug"]
    assert of_counts.loc["hybrid", "estimate"] > 0.95
    assert of_counts.loc["hybrid (logistic)", "kind"] == "model"
    assert of_counts.loc["none", "kind"] == "control"
    assert of_counts.loc["none", "estimate"] < 0.9
    told = of_scaled.loc["hybrid (cannot be embedded: values are z-scores)"]
    assert told["failed"] == 1
    assert np.isnan(told["estimate"])
