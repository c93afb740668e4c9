"""The rules of the profiles benchmark on made-up cells of which genes of one pathway do alike things."""

import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.core import io

N_MEASURED = 60
CELLS = 24


def write_inputs(folder, rng, model_card, write_knowledge):
    """18 perturbed genes of 3 pathways and two combinations; counts of 60 genes; a prior of 20 pairs."""
    names = [
        f"{'QXJZWV'[rng.integers(6)]}{'KYLM'[rng.integers(4)]}{i}" for i in range(18)
    ]
    pathway = np.arange(18) % 3
    effect = rng.normal(0, 1.0, (3, N_MEASURED))
    words = [
        "ctrl",
        *(f"{name}+ctrl" for name in names),
        f"{names[0]}+{names[1]}",
        f"{names[2]}+{names[4]}",
    ]
    shift = np.vstack(
        [
            np.zeros(N_MEASURED),
            effect[pathway],
            effect[0] + effect[1],
            effect[2] + effect[1],
        ]
    )
    rate = np.exp(1 + 0.5 * shift)
    counts = np.vstack([rng.poisson(one, (CELLS, N_MEASURED)) for one in rate])
    obs = pd.DataFrame({"condition": np.repeat(words, CELLS)})
    obs.index = [f"cell{i}" for i in range(len(obs))]
    var = pd.DataFrame(index=[*names[:6], *(f"M{i}" for i in range(N_MEASURED - 6))])
    anndata.AnnData(counts.astype(np.float32), obs=obs, var=var).write_h5ad(
        folder / "screen.h5ad"
    )

    write_knowledge(names, pathway, rng)
    for arm in ("hybrid", "none", "no_edges", "random"):
        vectors = effect[pathway] if arm == "hybrid" else rng.normal(size=(18, 5))
        table = pd.DataFrame(vectors).add_prefix("dim_").astype(np.float32)
        io.write_table(
            table.assign(gene=names),
            folder / f"results/tiny/embed/{arm}/seed1/genes.parquet",
            "gene_embedding",
        )
        model_card(folder / f"results/tiny/pretrain/{arm}/seed1", arm, 1)
        # what their own perturbations shift
        shifts = pd.DataFrame(vectors, columns=var.index[: vectors.shape[1]])
        shifts.insert(0, "gene", names)
        of_screen = folder / "results/tiny/bench/perturbation_profiles/made_up/set"
        io.write_table(
            shifts.iloc[3:], of_screen / arm / "seed1/shifts.parquet", "set_screen"
        )
    network = pd.DataFrame(
        {"tf": names, "gene": [f"M{i}" for i in range(18)], "importance": 1.0}
    )
    io.write_table(
        network.assign(rho=0.5), folder / "results/tiny/grn/tf_gene.parquet", "tf_gene"
    )


def test_a_screen_goes_from_cells_to_scaled_scores(
    tmp_path, run_rules, model_card, write_knowledge
):
    write_inputs(tmp_path, np.random.default_rng(0), model_card, write_knowledge)
    screen = dict.fromkeys(
        ["sheet", "symbols", "column", "control", "context", "batch"]
    )
    screen |= {"cells": "screen.h5ad", "form": "gears", "values": "counts"}
    screen |= {"expression": []}
    settings = {
        "perturbation": {
            "pathways": "sets.gmt",
            "complexes": "sets.gmt",
            "interactions": "pairs.tsv",
        },
        "perturbation_profiles": {
            "screens": {"made_up": screen},
            "splits": ["folds"],
            "n_folds": 2,
            "networks": ["tiny"],
            "models": "tiny",
        },
    }
    folder = tmp_path / "results/bench/perturbation_profiles/made_up"
    run = run_rules(
        [str((folder / "folds/summary.tsv").relative_to(tmp_path))],
        [
            f"{verb}_perturbation_profiles"
            for verb in ("prepare", "split", "predict", "score")
        ],
        {"bench": settings, "pretrain": {"seeds": [1]}},
    )
    assert run.returncode == 0, run.stderr

    summary = io.read_table(folder / "folds/summary.tsv", "summary")
    single = summary[summary["task"] == "made_up, folds: single unseen"]
    metric = single.set_index(["metric", "arm"])["estimate"]
    r = metric["pearson_systema"]
    assert (
        r["pathways"]
        > max(r["pathways_rewired"], r["coexpression"], r["no_change"]) + 0.1
    )
    # 0 is the best baseline, here the random forest, and 1 the ceiling
    kind = single.drop_duplicates("arm").set_index("arm")["kind"]
    best = r[kind.index[kind == "baseline"]].max()
    assert r["pathways"] > best
    scaled = metric["scaled_pearson_systema"]
    expected = (r["pathways"] - best) / (r["ceiling"] - best)
    assert scaled["pathways"] == pytest.approx(expected, rel=1e-3)
    assert scaled["ceiling"] == 1
    # the embeddings of one arm know the pathways
    assert kind[["model_hybrid", "model_none"]].tolist() == ["model", "control"]
    assert r["model_hybrid"] > r["model_none"] + 0.1
    own = ["model_hybrid_in_silico", "model_none_in_silico"]
    assert kind[own].tolist() == ["model", "control"]
    assert r[own[0]] > r[own[1]] + 0.1
    assert {"network_tiny", "network_tiny_rewired"} <= set(single["arm"])

    # genes that are perturbed and not measured are in the split, and predicted
    split = io.read_table(folder / "folds/split.tsv", "perturbation_split")
    tested = split[(split["part"] == "test") & (split["group"] == "single unseen")]
    assert len(tested) == 18
    scores = io.read_table(folder / "folds/scores.tsv", "scores")
    assert scores[scores["task"] == single["task"].iloc[0]]["member"].nunique() == 18
