"""The rules of the perturbation benchmark on a made-up screen whose responses follow pathways."""

import numpy as np
import pandas as pd

from grnformer.core import io


def write_inputs(folder, rng, model_card, write_knowledge):
    """60 perturbed genes of 5 pathways, 25 genes; counts of 30 cells, genes in rows."""
    names = [f"{'QXJZ'[i % 4]}{'WVKY'[rng.integers(4)]}{i}" for i in range(60)]
    pathway = rng.integers(0, 5, 60)
    responds = rng.random((5, 25)) < 0.4
    label = responds[pathway] ^ (rng.random((60, 25)) < 0.05)
    rows = [
        (name, f"G{g}", int(label[p, g]), "test" if p >= 40 else "train")
        for p, name in enumerate(names)
        for g in range(25)
    ]
    table = pd.DataFrame(rows, columns=["pert", "gene", "label", "split"])
    table.to_csv(folder / "effects.csv", index=False)
    write_knowledge(names, pathway, rng)
    counts = pd.DataFrame(
        rng.poisson(3, (60, 30)), names, [f"cell{i}" for i in range(30)]
    )
    counts.to_csv(folder / "cells.csv")
    network = pd.DataFrame(
        {"tf": names[:20], "gene": [f"G{i}" for i in range(20)], "importance": 1.0}
    )
    # models know the pathway of most genes
    for seed in (1, 2):
        vectors = pd.DataFrame(
            np.eye(5)[pathway], columns=[f"dim_{i}" for i in range(5)]
        )
        vectors.insert(0, "gene", names)
        made = folder / f"results/tiny/embed/hybrid/seed{seed}/genes.parquet"
        io.write_table(vectors.iloc[3:], made, "gene_embedding")
        model_card(folder / f"results/tiny/pretrain/hybrid/seed{seed}", "hybrid", seed)
        # their own perturbations know nothing of half of them
        shifts = pd.DataFrame(
            responds[pathway] * 1.0, columns=[f"G{g}" for g in range(25)]
        )
        shifts.insert(0, "gene", names)
        made = folder / f"results/tiny/bench/perturbation/made_up/set/hybrid/seed{seed}"
        io.write_table(shifts.iloc[::2], made.with_suffix(".parquet"), "set_screen")
    # their controls have been predicted
    tested = table[table["split"] == "test"]
    tested = tested.rename(columns={"pert": "perturbation"}).sort_index()
    control = tested[["perturbation", "gene"]].assign(
        positive=tested["label"] == 1, embedded=True, model_none=0.0
    )
    for arm in ("none", "no_edges", "random"):
        named = control.rename(columns={"model_none": f"model_{arm}: 1"})
        made = folder / f"results/tiny/bench/perturbation/made_up/effects/arms/{arm}"
        io.write_table(named, made.with_suffix(".parquet"), "perturbation_predictions")
    io.write_table(
        network.assign(rho=0.5),
        folder / "results/tiny/grn/tf_gene.parquet",
        "tf_gene",
    )


def test_a_screen_goes_from_files_to_scores_beside_rewired_graphs(
    tmp_path, run_rules, model_card, write_knowledge
):
    write_inputs(tmp_path, np.random.default_rng(0), model_card, write_knowledge)
    screen = {"effects": "effects.csv", "directions": None, "expression": ["cells.csv"]}
    settings = {
        "screens": {"made_up": screen},
        "networks": ["tiny"],
        "models": "tiny",
        "pathways": "sets.gmt",
        "complexes": "sets.gmt",
        "interactions": "pairs.tsv",
        "n_resamples": 100,
    }
    made = ["predict_perturbation", "predict_perturbation_arm", "propagate_network"]
    made += ["score_perturbation"]
    folder = tmp_path / "results/bench/perturbation/made_up/effects"
    run = run_rules(
        [str((folder / "summary.tsv").relative_to(tmp_path))],
        made,
        {
            "bench": {"perturbation": settings},
            "pretrain": {"seeds": [1, 2]},
        },
    )
    assert run.returncode == 0, run.stderr

    summary = io.read_table(folder / "summary.tsv", "summary")
    within = summary[summary["metric"] == "within_gene_auroc"].set_index("arm")
    whole = within["task"] == "made_up effects"
    assert set(within.loc[~whole, "task"]) == {"made_up effects, embedded"}
    within = within[whole]
    assert within.loc["model_hybrid", "estimate"] > 0.8
    assert within.loc["model_none", "estimate"] == 0.5
    assert within.loc["model_hybrid_in_silico", "estimate"] > 0.65
    assert within.loc["model_hybrid_in_silico", "kind"] == "model"
    assert within.loc["model_none", "kind"] == "control"
    assert within.loc["pathways", "estimate"] > 0.85
    assert within.loc["pathways_rewired", "estimate"] < 0.65
    assert within.loc["network_tiny_rewired", "kind"] == "control"
    assert (within["members"] == 100).all()
    choices = io.read_table(folder / "choices.tsv", "perturbation_choices")
    assert choices["training_auroc"].notna().sum() > 10
