"""The rules of the drug response benchmark on a made-up screen with a planted interaction."""

import pickle

import numpy as np
import pandas as pd
import torch

from grnformer.core import io

SMILES = [
    "CCO",
    "c1ccccc1",
    "CC(=O)C",
    "NCCc1ccccc1",
    "OC1CCCCC1",
    "CCCCl",
    "c1ccncc1",
    "CC#N",
    "CSC",
    "CC(C)(C)O",
]
DRUGS = dict(zip("abcdefghij", SMILES, strict=True))
NETWORK = {
    "max_epochs": 30,
    "patience": 30,
    "drug_hidden": 16,
    "learning_rate": 0.01,
    "encoder_learning_rate": 0.01,
}


def write_screen(folder, rng):
    """80 lines, ten drugs, two of the lines look-alikes; expression tells the two factors of a line."""
    lines = [f"L-{i:02d}" for i in range(80)] + ["T-T", "TT"]
    factors = rng.normal(size=(len(lines), 2))
    values = rng.normal(size=(len(lines), 1)) + factors @ rng.normal(size=(2, 10))
    rows = [
        (line, drug, values[i, j])
        for i, line in enumerate(lines)
        for j, drug in enumerate(DRUGS)
    ]
    # replicates
    rows += [(line, "b", values[i, 1] + 0.1) for i, line in enumerate(lines[:20])]
    pd.DataFrame(rows, columns=["CELL_LINE_NAME", "DRUG_NAME", "LN_IC50"]).to_csv(
        folder / "ic50.csv", index=False
    )
    (folder / "smiles.pkl").write_bytes(pickle.dumps(DRUGS))
    profiles = factors @ rng.normal(size=(2, 40)) + 0.2 * rng.normal(
        size=(len(lines), 40)
    )
    content = {
        line.replace("-", ""): torch.from_numpy(p)
        for line, p in zip(lines, profiles, strict=True)
    }
    (folder / "expression.pkl").write_bytes(pickle.dumps(content))
    (folder / "genes.txt").write_text("\n".join(f"G{i}" for i in range(40)))
    return pd.DataFrame(
        {"line": lines[:80]} | {f"dim_{d}": factors[:80, d] for d in range(2)}
    )


def test_a_screen_goes_from_files_to_scores_beside_baselines(
    tmp_path, run_rules, model_card
):
    embedding = write_screen(tmp_path, np.random.default_rng(0))
    results = tmp_path / "results" / "tiny" / "bench" / "drug_response"
    shared = tmp_path / "results" / "bench" / "drug_response"
    for seed in (1, 2):
        io.write_table(
            embedding,
            results / "embedding" / "hybrid" / f"seed{seed}.parquet",
            "line_embedding",
        )
    settings = {
        "splits": ["line"],
        "responses": "ic50.csv",
        "smiles": "smiles.pkl",
        "expression": "expression.pkl",
        "genes": "genes.txt",
        "folds": {"n_folds": 3},
        "network": NETWORK,
    }
    config = {"bench": {"drug_response": settings}, "pretrain": {"seeds": [1, 2]}}
    made = [
        "prepare_drug_response",
        "split_drug_response",
        "predict_baselines",
        "train_drug_response",
    ]
    predictions = results / "predictions" / "hybrid" / "line.parquet"
    baselines = shared / "baselines" / "line.parquet"
    targets = [str(path.relative_to(tmp_path)) for path in (predictions, baselines)]
    run = run_rules(targets, made, config)
    assert run.returncode == 0, run.stderr
    counts = io.read_table(shared / "counts.tsv", "screen_counts").set_index("step")
    assert counts.loc["lines with a unique normalised name", "names"] == "T-T; TT"
    assert counts.loc[
        "replicate rows merged into pairs", ["found", "kept"]
    ].tolist() == [820, 800]

    table = io.read_table(predictions, "drug_predictions")
    assert table["fold"].value_counts().size == 3
    for arm in ("none", "no_edges", "random"):
        copy = table.rename(columns=lambda c, arm=arm: c.replace("hybrid", arm))
        io.write_table(
            copy, results / "predictions" / arm / "line.parquet", "drug_predictions"
        )
    reference = table.drop(columns="hybrid_and_genes_ridge").rename(
        columns=lambda c: c.replace("hybrid", "expression")
    )
    io.write_table(
        reference, shared / "expression_reference" / "line.parquet", "drug_predictions"
    )
    for arm in ("none", "no_edges", "random", "hybrid"):
        for seed in (1, 2):
            graph = "none" if arm == "no_edges" else arm
            model_card(
                tmp_path / f"results/tiny/pretrain/{arm}/seed{seed}", graph, seed
            )
    run = run_rules(
        ["results/tiny/bench/drug_response/summary.tsv"],
        ["score_drug_response"],
        config,
    )
    assert run.returncode == 0, run.stderr
    summary = io.read_table(results / "summary.tsv", "summary").set_index(
        ["metric", "arm"]
    )
    primary = summary.loc["double_centred_pearson"]
    assert primary["kind"].to_dict() == {
        "additive": "baseline",
        "drug_mean": "baseline",
        "expression": "reference",
        "expression_ridge": "reference",
        "global_mean": "baseline",
        "line_mean": "baseline",
        "mean_effects": "baseline",
        "ridge": "baseline",
        "ridge_with_drug_covariance": "baseline",
    } | {
        f"{arm}{head}": "model" if arm == "hybrid" else "control"
        for arm in ("none", "no_edges", "random", "hybrid")
        for head in ("", "_ridge", "_and_genes_ridge")
    }
    assert primary.loc["hybrid", "estimate"] > 0.5
    assert primary.loc["ridge", "estimate"] > 0.8
    assert primary.loc["hybrid_ridge", "estimate"] > 0.8
    assert primary.loc["hybrid", "baseline"].startswith("ridge")
    assert primary.loc[
        ["additive", "drug_mean"], ["members", "failed"]
    ].to_numpy().tolist() == [[0, 3], [0, 3]]


def test_another_screen_tissues_and_a_network_go_from_files_to_scores(
    tmp_path, run_rules
):
    rng = np.random.default_rng(0)
    write_screen(tmp_path, rng)
    shared = tmp_path / "results" / "bench" / "drug_response"
    rows = pd.read_csv(tmp_path / "ic50.csv")
    # other spellings, other values, and without a line of the first screen
    other = rows[rows["CELL_LINE_NAME"] != "L-00"].assign(
        CELL_LINE_NAME=lambda table: (
            table["CELL_LINE_NAME"].str.replace("-", " ").str.lower()
        ),
        LN_IC50=lambda table: table["LN_IC50"] + 1,
    )
    other.to_csv(tmp_path / "other.csv", index=False)
    names = [f"L{i:02d}_TISSUE_{i % 8}" for i in range(60)]
    table = pd.DataFrame({"CCLE_ID": [*names, "ODD_SKIN"]})
    table.to_csv(tmp_path / "lines.tsv", sep="\t", index=False)
    # two TFs of 20 genes each; one eRegulon
    prior = pd.DataFrame(
        {"tf": ["TA", "TB"] * 20, "gene": [f"G{i}" for i in range(40)]}
    )
    prior.assign(sign=1, sources="CollecTRI").to_csv(
        tmp_path / "prior.tsv", sep="\t", index=False
    )
    members = {"eregulon": "TA_direct_+/+", "tf": "TA", "region": "chr1:1-2"}
    triplets = (
        prior[:20]
        .assign(**members, evidence="prior")
        .drop(columns="sign", errors="ignore")
    )
    for column in ("tf_gene", "region_gene"):
        triplets[[f"{column}_weight", f"{column}_rho"]] = 0.5
    io.write_table(
        triplets,
        tmp_path / "results" / "tiny" / "grn" / "eregulons.parquet",
        "eregulons",
    )
    settings = {
        "splits": [],
        "responses": "ic50.csv",
        "smiles": "smiles.pkl",
        "expression": "expression.pkl",
        "genes": "genes.txt",
        "other_screen": "other.csv",
        "annotations": "lines.tsv",
        "folds": {"n_folds": 3},
        "network_features": {"splits": ["tissue"], "rewirings": 1},
    }
    config = {
        "bench": {"drug_response": settings},
        "grn": {"cistromes": {"prior": {"table": "prior.tsv"}}},
    }
    summary = "results/tiny/bench/network_features/summary.tsv"
    source = shared / "source.parquet"
    run = run_rules(
        [summary, str(source.relative_to(tmp_path))],
        [
            "prepare_drug_response",
            "prepare_other_screen",
            "match_tissues",
            "split_drug_response",
            "score_network_features",
        ],
        config,
    )
    assert run.returncode == 0, run.stderr
    aligned = io.read_table(source, "drug_responses")
    first = io.read_table(shared / "responses.parquet", "drug_responses")
    both = first.merge(aligned, on=["line", "drug"])
    assert set(aligned["line"]) == set(first["line"]) - {"L-00"}
    assert np.allclose(both["ln_ic50_y"] - both["ln_ic50_x"], 1)
    tissues = io.read_table(shared / "tissues.tsv", "line_tissues").set_index("line")
    assert len(tissues) == 60
    assert tissues.loc["L-09", "tissue"] == "tissue_1"
    found = io.read_table(tmp_path / summary, "summary").set_index("arm")
    assert found["kind"].to_dict() == {
        "CollecTRI": "model",
        "CollecTRI_rewired": "control",
        "all genes": "baseline",
        "eregulons": "model",
        "eregulons_rewired": "control",
    }
    assert found.loc["all genes", "estimate"] > 0.8
    assert set(found["unit"]) == {"fold"}
