"""The rules of stages fuse and pretrain, from networks to a trained model, on made-up inputs."""

import shutil
from pathlib import Path

import anndata as ad
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from safetensors.torch import load_file

from grnformer.core import io
from grnformer.graph.bundle import read_bundle
from grnformer.infer.embed import embed
from grnformer.infer.genes import embed_genes
from grnformer.model.saved import load_model
from grnformer.train.run import run

TWO_PROCESSES = ("--set-resources", "pretrain_model:processes=2")
# each process perturbs the edges for its own cells
EXACT = {"hybrid": {"perturbation": "none"}}
MAPPING = {"exact_up_to": 1000, "usual_quantile": 0.95, "warn_above": 1.0}
N_CELLS, GENES = 60, [f"G{i}" for i in range(30)]


@pytest.fixture
def inputs(tmp_path):
    rng = np.random.default_rng(0)
    cells = [f"c{i}" for i in range(N_CELLS)]
    types = np.where(np.arange(N_CELLS) % 2, "A", "B")
    counts = rng.poisson(1.0, (N_CELLS, 30)).astype(np.float32)
    var = pd.DataFrame(
        {"n_cells": (counts > 0).sum(0), "highly_variable": True}, index=GENES
    )
    rna = ad.AnnData(sp.csr_matrix(np.log1p(counts)), pd.DataFrame(index=cells), var)
    rna.layers["counts"] = sp.csr_matrix(counts)
    rna.obsm["X_pca"] = np.zeros((N_CELLS, 2))
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": [0, 900], "end": [500, 1400], "n_cells": N_CELLS},
        index=["r", "s"],
    )
    atac = ad.AnnData(
        sp.csr_matrix(np.ones((N_CELLS, 2), np.float32)),
        pd.DataFrame(index=cells),
        regions,
    )
    atac.layers["counts"] = atac.X.copy()
    atac.obsm["X_lsi"] = np.zeros((N_CELLS, 2))
    mudata.set_options(pull_on_update=False)
    multiome = mudata.MuData({"rna": rna, "atac": atac})
    multiome.obs["cell_type"], multiome.obs["sample"], multiome.obs["donor"] = (
        types,
        "s1",
        "d1",
    )
    results = tmp_path / "results" / "tiny"
    io.write_mudata(multiome, results / "prep" / "multiome.h5mu", "multiome")
    pairs = pd.DataFrame(
        {"tf": ["G0"] * 5 + ["G1"] * 5, "gene": GENES[5:15], "sign": [1] * 5 + [-1] * 5}
    )
    listed = {"regions": [["r"]] * 10, "eregulons": [["e"]] * 10}
    for name in ("A", "B"):
        grn = pairs.assign(weight=1.0, evidence="x", **listed)
        io.write_table(
            grn, results / "grn" / "cell_type" / f"{name}.parquet", "cell_type_grn"
        )
    weights = {
        "tf_gene_weight": 1.0,
        "region_gene_weight": 1.0,
        "region_gene_rho": 0.5,
        "evidence": "x",
    }
    names = ["G0_direct_+/+", "G1_direct_-/+"]
    eregulons = pairs.assign(
        eregulon=np.repeat(names, 5),
        region="r",
        tf_gene_rho=0.5 * pairs["sign"],
        **weights,
    )
    io.write_table(
        eregulons.drop(columns="sign"),
        results / "grn" / "eregulons.parquet",
        "eregulons",
    )
    var = pd.DataFrame(
        {"tf": ["G0", "G1"], "n_genes": 5, "threshold": 0.1}, index=names
    )
    var["threshold_method"], var["doubtful"] = "skewed", False
    auc = rng.random((N_CELLS, 2)).astype(np.float32)
    obs = pd.DataFrame(
        {"cell_type": types, "n_active": (auc > 0.5).sum(1)}, index=cells
    )
    activity = ad.AnnData(
        auc,
        obs,
        var,
        layers={"active": sp.csr_matrix(auc > 0.5)},
        obsm={"X_umap": np.zeros((len(obs), 2))},
        uns={"rank_cutoff": 5},
    )
    io.write_anndata(activity, results / "grn" / "cell_activity.h5ad", "cell_activity")
    io.write_json(
        {gene: 7 + i for i, gene in enumerate(GENES[:-2])}, tmp_path / "vocabulary.json"
    )
    return rna


def check_against_one_process(tmp_path, dataset, strategy, monkeypatch):
    """A run that the rule started in two processes (torchrun, gloo), against the same job in this one."""
    results = tmp_path / "results" / dataset
    log = (
        results.parent
        / "logs"
        / results.name
        / "pretrain"
        / "pretrain_model.hybrid.seed1.log"
    ).read_text()
    assert f"2 processes on 1 machine (torchrun), strategy {strategy}" in log
    folder, alone = results / "pretrain" / "hybrid" / "seed1", tmp_path / "alone"
    job = io.read_json(folder / "checkpoint" / "job.json")
    outputs = {
        name: str(alone / Path(path).name) for name, path in job["outputs"].items()
    }
    with monkeypatch.context() as inside:
        inside.chdir(tmp_path)
        run(job | {"outputs": outputs, "checkpoints": str(alone / "checkpoint")})
    curves = [
        io.read_table(each / "training.tsv", "training") for each in (folder, alone)
    ]
    several, one = (
        curve[["step", "split", "loss", "gradient_norm", "beta"]] for curve in curves
    )
    pd.testing.assert_frame_equal(several, one, check_exact=False, rtol=1e-4, atol=1e-6)
    weights, others = (
        load_file(each / "model.safetensors") for each in (folder, alone)
    )
    assert weights.keys() == others.keys()
    # without effect: its gradient is rounding alone
    for name in weights.keys() - {"candidates.key.2.bias"}:
        torch.testing.assert_close(
            weights[name], others[name], rtol=1e-3, atol=1e-4, msg=name
        )


def test_fuse_and_pretrain_in_two_processes(tmp_path, run_rules, inputs, monkeypatch):
    size = {
        "n_tokens": 12,
        "batch_size": 8,
        "steps": 3,
        "warmup_steps": 1,
        "adapter": {"n_heads": 2},
    }
    size |= {"gnn": {"width": 8}, "backbones": {"scgpt": {"width": 8, "n_heads": 2}}}
    config = {
        "fuse": {"vocabulary": "vocabulary.json", "min_cells": 1},
        "pretrain": {
            "seeds": [1],
            "sizes": {"tiny": size},
            "optimiser": {"log_every": 1, "evaluate_every": 2},
        },
    }
    config["pretrain"] |= {"arms": EXACT, "strategy": "ddp"}
    new = ad.AnnData(inputs.layers["counts"][:20], var=pd.DataFrame(index=GENES))
    new.write_h5ad(tmp_path / "new.h5ad")
    config["embed"] = {"inputs": {"new": "new.h5ad"}}
    config["attention"] = {
        "degree_bins": [1, 4],
        "expression_bins": 1,
        "null_draws": 100,
        "top_pairs": 20,
    }
    targets = [
        "results/tiny/attention/hybrid/enrichment.tsv",
        "results/tiny/embed/new.h5ad",
        "results/tiny/embed/hybrid/seed1/genes.parquet",
    ]
    rules = [
        "build_graph",
        "split_cells",
        "pretrain_model",
        "embed_anndata",
        "embed_genes",
        "analyse_attention",
    ]
    ran = run_rules(targets, rules, config, *TWO_PROCESSES)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    check_against_one_process(tmp_path, "tiny", "ddp", monkeypatch)
    genes = io.read_table(tmp_path / targets[-1], "gene_embedding")
    assert genes["gene"].tolist() == GENES[:-2]
    assert genes.shape == (28, 9)
    check_attention(tmp_path / "results/tiny/attention/hybrid")
    embedded = io.read_anndata(
        tmp_path / "results/tiny/embed/new.h5ad", "embedded_cells"
    )
    # the cell, its genes, and expression on the model's axes, side by side
    assert embedded.obsm["X_grnformer"].shape == (20, 3 * 8)
    assert np.isfinite(embedded.obsm["X_grnformer"]).all()
    assert (embedded.X != new.X).nnz == 0
    bundle = read_bundle(tmp_path / "results/tiny/fuse/hybrid")
    assert bundle.graph.genes["token"].tolist() == list(range(7, 35))
    assert bundle.meta["edges"] == {"A": 10, "B": 10}
    assert set(bundle.graph.eregulons["sign"]) == {1, -1}
    assert bundle.lost["gene"].tolist() == ["G28", "G29"]
    folder = tmp_path / "results/tiny/pretrain/hybrid/seed1"
    model, card = load_model(folder)
    assert model.adapter.beta != 0
    assert card["arm"]["graph"] == "hybrid"
    scores = io.read_json(folder / "heldout.json", "heldout")
    assert scores["baseline_loss"] > 0
    assert io.read_table(folder / "training.tsv", "training")["step"].max() == 3
    settings = {"batch_size": 16, "seed": 1, "mapping": MAPPING}
    embedding, _, _ = embed(
        inputs,
        folder,
        tmp_path / "results/tiny/fuse/hybrid",
        settings=settings,
        scale="any",
    )
    assert embedding.shape == (N_CELLS, 3 * 8)


def check_attention(folder):
    """Both types and states were analysed, untrained models attend nearly uniformly, tables belong together."""
    enrichment = io.read_table(folder / "enrichment.tsv", "attention_enrichment")
    assert set(enrichment["cell_type"]) == {"A", "B"}
    assert set(enrichment["state"]) == {"trained", "untrained"}
    plain = enrichment[enrichment["matched_on"] == "none"]
    assert (plain["tfs"] + plain["tfs_unseen"]).tolist() == [2] * len(plain)
    assert plain["enrichment"].between(0.2, 5).all()
    mass = io.read_table(folder / "mass.parquet", "attention_mass")
    of_genes = mass.set_index("gene")
    assert set(of_genes.loc[mass["is_tf"].to_numpy(), "out_degree"]) == {5}
    # a cell has few tokens: not every target is one
    targets = of_genes.index.intersection(GENES[5:15])
    assert set(of_genes.loc[targets, "in_degree"]) == {1}
    mean = np.average(mass["mass_seen"].fillna(1), weights=mass["keys"])
    assert mean == pytest.approx(1, abs=0.1)
    contribution = io.read_table(folder / "contribution.tsv", "attention_contribution")
    assert (contribution["norm"] > 0).all()
    # files have six digits: the losses of one cell type may agree in all of them
    assert (contribution["loss_adapter_off"] != contribution["loss_trained"]).any()
    pairs = io.read_table(folder / "pairs.tsv", "attention_pairs")
    scores = io.read_table(folder / "pair_scores.tsv", "attention_pair_scores")
    listed = pairs.groupby("cell_type")["edge"].mean()
    precision = scores.set_index("cell_type")["precision"][listed.index]
    assert listed.to_numpy() == pytest.approx(precision.to_numpy(), rel=1e-5)
    assert pairs.loc[pairs["edge"], "sign"].isin([1, -1]).all()


@pytest.mark.parametrize("backbone", ["geneformer", "scfoundation"])
def test_other_backbones_train_by_config_alone(tmp_path, run_rules, inputs, backbone):
    own = {
        "geneformer": {"positions": 16},
        "scfoundation": {"decoder_width": 8, "n_bins": 5},
    }
    size = {
        "n_tokens": 12,
        "batch_size": 8,
        "steps": 3,
        "warmup_steps": 1,
        "adapter": {"n_heads": 2},
    }
    gnn = {
        "geneformer": {"name": "gat", "fusion": "gate"},
        "scfoundation": {"name": "gcn", "fusion": "concat"},
    }
    size |= {"gnn": gnn[backbone] | {"width": 8, "direction": "both"}}
    size |= {"backbones": {backbone: own[backbone] | {"width": 8, "n_heads": 2}}}
    size |= {
        "by_backbone": {
            backbone: {
                "n_tokens": 10,
                "expressed_fraction": 1.0,
                "mask_fraction": [0.2, 0.4],
            }
        }
    }
    optimiser, of_embed = {"log_every": 1, "evaluate_every": 2}, {"n_tokens": 12}
    pretrain = {
        "backbone": backbone,
        "seeds": [1],
        "sizes": {"tiny": size},
        "optimiser": optimiser,
        "embed": of_embed,
    }
    pretrain |= {"tune": {"how": "lora"}, "perturbed_degree_power": -1}
    config = {
        "fuse": {"vocabulary": "vocabulary.json", "min_cells": 1},
        "pretrain": pretrain,
    }
    config["attention"] = {
        "degree_bins": [1, 4],
        "expression_bins": 1,
        "null_draws": 100,
        "top_pairs": 20,
    }
    target = "results/tiny/attention/hybrid/enrichment.tsv"
    ran = run_rules(
        [target],
        ["build_graph", "split_cells", "pretrain_model", "analyse_attention"],
        config,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    check_attention(tmp_path / "results/tiny/attention/hybrid")
    folder = tmp_path / "results/tiny/pretrain/hybrid/seed1"
    model, card = load_model(folder)
    assert model.adapter.beta != 0
    assert card["arguments"]["backbone"]["name"] == backbone
    assert card["arguments"]["n_tokens"] == 10  # its own, not that of the size
    scores = io.read_json(folder / "heldout.json", "heldout")
    assert scores["objective"] == (
        "masked_gene" if backbone == "geneformer" else "masked_value"
    )
    unit = "nats" if backbone == "geneformer" else "squared SD"
    assert scores["loss_unit"] == unit
    contribution = io.read_table(
        tmp_path / "results/tiny/attention/hybrid/contribution.tsv",
        "attention_contribution",
    )
    assert set(contribution["loss_unit"]) == {unit}
    settings = {"batch_size": 16, "seed": 1, "mapping": MAPPING}
    embedding, _, _ = embed(
        inputs,
        folder,
        tmp_path / "results/tiny/fuse/hybrid",
        settings=settings,
        scale="any",
    )
    # the cell token, the mean of gene tokens, and expression on as many axes
    parts = {"geneformer": 8 + 8 + 8, "scfoundation": 32 + 8 + 8}
    assert embedding.shape == (N_CELLS, parts[backbone])
    assert np.isfinite(embedding).all()
    split = io.read_table(folder.parents[1] / "split.tsv", "split")
    multiome = tmp_path / "results/tiny/prep/multiome.h5mu"
    sizes = {"gene_cells": 20, "batch_size": 16, "seed": 1}
    genes = embed_genes(folder, None, multiome, split, sizes).set_index("gene")
    assert genes.shape == (28, 8)
    assert np.isfinite(genes.to_numpy()).all()


def test_a_vocabulary_of_another_species_stops_the_run(tmp_path, run_rules, inputs):
    io.write_json({f"mouse{i}": i for i in range(200)}, tmp_path / "other.json")
    target = "results/tiny/fuse/hybrid"
    ran = run_rules(
        [target],
        ["build_graph"],
        {"fuse": {"vocabulary": "other.json", "min_cells": 1}},
    )
    assert ran.returncode != 0
    assert "0 of 30 genes are in the backbone's vocabulary" in ran.stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*[zZ]arr:UserWarning")
def test_two_datasets_and_a_file_make_one_model_of_divided_weights(
    tmp_path, run_rules, inputs, monkeypatch
):
    shutil.copytree(tmp_path / "results" / "tiny", tmp_path / "results" / "other")
    sheet = "dataset\tsample\trna\tatac\tgenome\n"
    sheet += "".join(
        f"{name}\ts_{name}\tempty\tempty\thg38\n" for name in ("tiny", "other")
    )
    (tmp_path / "two.tsv").write_text(sheet)
    rest = ad.AnnData(
        inputs.layers["counts"][:20, 5:], var=pd.DataFrame(index=GENES[5:])
    )
    rest.obs["cell_type"] = ["A", "new"] * 10
    rest.write_zarr(tmp_path / "rest.zarr")
    size = {
        "n_tokens": 12,
        "batch_size": 8,
        "steps": 3,
        "warmup_steps": 1,
        "adapter": {"n_heads": 2},
    }
    size |= {"gnn": {"width": 8}, "backbones": {"scgpt": {"width": 8, "n_heads": 2}}}
    pretrain = {
        "seeds": [1],
        "sizes": {"tiny": size},
        "optimiser": {"log_every": 1, "evaluate_every": 2},
    }
    pretrain |= {"arms": EXACT, "strategy": "fsdp"}
    pretrain["corpora"] = {
        "both": {"datasets": ["tiny", "other"], "files": {"rest": "rest.zarr"}}
    }
    config = {
        "samples": "two.tsv",
        "fuse": {"vocabulary": "vocabulary.json", "min_cells": 1},
        "pretrain": pretrain,
    }
    config["embed"] = {"inputs": {"new": "rest.zarr"}}
    rules = [
        "build_graph",
        "join_bundles",
        "split_cells",
        "join_splits",
        "pretrain_model",
        "embed_anndata",
    ]
    ran = run_rules(["results/both/embed/new.h5ad"], rules, config, *TWO_PROCESSES)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    check_against_one_process(tmp_path, "both", "fsdp", monkeypatch)
    bundle = read_bundle(tmp_path / "results/both/fuse/hybrid")
    assert bundle.meta["cell_types"] == ["tiny/A", "tiny/B", "other/A", "other/B"]
    assert bundle.meta["datasets"]["rest"]["cells_without_network"] == 10
    assert bundle.sources["dataset"].value_counts().to_dict() == {
        "tiny": 28,
        "other": 28,
        "rest": 23,
    }
    scores = io.read_json(
        tmp_path / "results/both/pretrain/hybrid/seed1/heldout.json", "heldout"
    )
    assert set(scores["datasets"]) == {"tiny", "other", "rest"}
    embedded = io.read_anndata(
        tmp_path / "results/both/embed/new.h5ad", "embedded_cells"
    )
    assert (embedded.X != rest.X).nnz == 0
    assert set(embedded.obs["mapped_cell"].astype(str).str.split("/").str[0]) <= {
        "tiny",
        "other",
        "rest",
    }
