"""A finished run in small: every file that the report reads, made up but by the contracts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from grnformer.settings.read import complete as complete_config

CHECKOUT = Path(__file__).parents[1]
TYPES = ("A<549>", "K562", "T cell")
# name -> graph
ARMS = {"none": "none", "no_edges": "none", "random": "random", "hybrid": "hybrid"}
GENES = [f"G{i}" for i in range(60)]
TFS = GENES[:8]
REGIONS = [f"chr1:{1000 * i}-{1000 * i + 500}" for i in range(80)]


#: Files whose tests take the one whole run of tests/e2e/conftest.py (`finished`): one worker has them.
ON_THE_WHOLE_RUN = (
    "tests/e2e/test_motifs.py",
    "tests/e2e/test_new_methods.py",
    "tests/e2e/test_workflow.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several workers (`-n 2`): a file's tests stay with one, for their fixtures are runs of the workflow."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            # they have one cluster
            if file.startswith("tests/slurm/"):
                return "tests/slurm"
            return ON_THE_WHOLE_RUN[0] if file in ON_THE_WHOLE_RUN else file

    # long ones come first, whatever the number of their tests
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what a test of a fault says into the file of results, of which docs/faults.md is made."""
    for item in items:
        for marker in item.iter_markers("fault"):
            told = {"fault": marker.args[0], **marker.kwargs}
            item.user_properties.append(("fault", json.dumps(told)))


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    settings = complete_config({})
    settings["pretrain"]["arms"] = {
        arm: {"graph": graph, "adapter": arm != "none", "perturbation": "none"}
        for arm, graph in ARMS.items()
    }
    return settings


@pytest.fixture
def model_card() -> Callable[[Path, str, int], None]:
    """See `put_card`."""
    return put_card


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working directory of a finished run with the datasets `lines` and `tissue`."""
    from grnformer.report.costs import collect_costs

    folder = tmp_path_factory.mktemp("run")
    for seed, dataset in enumerate(("lines", "tissue")):
        write_dataset(
            folder / "results" / dataset, np.random.default_rng(seed), n_cells=90
        )
    write_screen(folder / "results" / "bench" / "drug_response")
    write_comparison(
        folder / "results" / "bench" / "compare_networks" / "lines" / "tissue.tsv"
    )
    results = folder / "results"
    costs = collect_costs(results / "benchmarks", results / "logs", ["lines", "tissue"])
    put(costs, folder / "results" / "report" / "costs.tsv", "costs")
    return folder


@pytest.fixture(scope="session")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The `Run` of the dataset `lines` of the finished run, with TSSs, cistromes and the activity of regions."""
    import shutil

    folder = tmp_path_factory.mktemp("exported") / "results" / "lines"
    for stage in ("prep", "grn", "pretrain"):
        shutil.copytree(finished_run / "results" / "lines" / stage, folder / stage)
    return write_for_export(folder)


def write_for_export(folder: Path) -> Any:
    """Add to a made-up dataset what only exports read; gives its `Run`."""
    from grnformer.api.run import read_run
    from grnformer.core import io

    found = read_run(folder)
    triplets = found.eregulons
    genes = sorted(set(triplets["gene"]))
    tss = pd.DataFrame(
        {
            "gene": np.repeat(genes, 2),
            "gene_id": None,
            "chrom": "chr1",
            # two a gene: the second is far from all regions
            "tss": [place for i in range(len(genes)) for place in (900 * i, 10**6 + i)],
            "strand": "+",
            "biotype": None,
        }
    )
    io.write_table(tss, folder / "prep/tss.parquet", "tss")

    sites = triplets[["tf", "region"]].drop_duplicates().assign(gene=None)
    sites = sites.assign(annotation="direct", evidence="prior:CollecTRI", sign=0)
    sites["score"] = np.arange(len(sites), dtype=float)
    io.write_table(sites, folder / "grn/cistromes.parquet", "cistromes")

    activity = found.activity
    rng = np.random.default_rng(1)
    names = [*activity.var_names, "DROPPED_direct_+/+"]
    auc = rng.uniform(size=(activity.n_obs, len(names)))
    # in another order than that of the cells
    table = pd.DataFrame(auc, columns=names, index=activity.obs_names)[::-1]
    table = table.rename_axis("cell").reset_index()
    io.write_table(table, folder / "grn/region_activity.parquet", "region_activity")
    return read_run(folder)


def put(frame: pd.DataFrame, path: Path, contract: str) -> None:
    """Write a table by its contract; columns that a stage has and no figure needs are filled in."""
    from grnformer.core import contracts, io

    io.write_table(complete(frame, contracts.load(contract)["columns"]), path, contract)


def put_card(folder: Path, graph: str, seed: int) -> None:
    """Write a made-up model.json, as of a model of this graph and seed."""
    from grnformer.core import io

    card = {
        "arguments": {}, "arm": {"graph": graph}, "cell_types": [*TYPES], "checkpoint": None,
        "data": graph, "embed": {}, "format": 3, "genes": GENES, "seed": seed, "size": "tiny",
        "steps": 60, "tokeniser": {}, "tokens": list(range(len(GENES))), "version": "0",
    }  # fmt: skip
    io.write_json(card, folder / "model.json", "model")


def complete(frame: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """The table with the columns it lacks, each with one value that its rule allows."""
    filled = {"string": "made up", "integer": 1, "number": 0.5, "boolean": False}
    lacking = {
        c: rule
        for c, rule in columns.items()
        if c not in frame and not rule.get("optional")
    }
    return frame.assign(
        **{
            c: rule.get("values", [filled[rule["type"]]])[0]
            for c, rule in lacking.items()
        }
    )


def write_screen(folder: Path) -> None:
    """Write what the benchmarks leave for all datasets together."""

    counts = pd.DataFrame(
        {
            "step": ["lines with expression"],
            "found": [969],
            "kept": [919],
            "names": [None],
        }
    )
    put(counts, folder / "counts.tsv", "screen_counts")


def write_comparison(path: Path) -> None:
    """Write two networks beside each other."""
    rows = [
        ("eRegulons", "TFs", "n", 8, 6, 0.75),
        ("cost", "cell activity: CPU time", "s", 4.0, 11.0, None),
    ]
    table = pd.DataFrame(
        rows, columns=["part", "what", "unit", "left", "right", "agreement"]
    )
    put(
        table.assign(left_dataset="lines", right_dataset="tissue"),
        path,
        "network_comparison",
    )


def write_dataset(results: Path, rng: np.random.Generator, n_cells: int) -> None:
    """Write everything that the stages leave of one dataset."""
    cells = [f"s1:c{i}" for i in range(n_cells)]
    types = np.array([TYPES[i % len(TYPES)] for i in range(n_cells)])
    _write_prep(results / "prep", rng, cells, types)
    _write_topics(results / "topics", rng, cells)
    _write_grn(results / "grn", rng, cells, types)
    _write_graphs(results / "fuse", rng, cells)
    _write_models(results / "pretrain", rng)
    _write_attention(results / "attention", rng)
    _write_benchmarks(results / "bench", rng)
    for path in (
        "prep/prepare_tss.tsv",
        "grn/infer_tf_gene.tsv",
        "pretrain/pretrain_model.hybrid.seed1.tsv",
    ):
        target = results.parent / "benchmarks" / results.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            "s\th:m:s\tmax_rss\tmax_vms\tcpu_time\n12.5\t0:00:12\t512.25\tNA\t11.0\n"
        )


def _write_prep(
    folder: Path, rng: np.random.Generator, cells: list[str], types: np.ndarray
) -> None:
    import anndata
    import mudata
    import scipy.sparse as sp

    from grnformer.core import io

    obs = pd.DataFrame({"cell_type": types, "sample": "s1", "donor": "d1"}, index=cells)
    rna, atac = (
        sp.csr_matrix(rng.poisson(0.6, (len(cells), n)))
        for n in (len(GENES), len(REGIONS))
    )
    starts = np.arange(len(REGIONS)) * 1000
    var = {
        "rna": pd.DataFrame({"n_cells": 20, "highly_variable": True}, index=GENES),
        "atac": pd.DataFrame(
            {"chrom": "chr1", "start": starts, "end": starts + 500, "n_cells": 20},
            index=REGIONS,
        ),
    }
    parts = {}
    for name, counts, key in (("rna", rna, "X_pca"), ("atac", atac, "X_lsi")):
        part = anndata.AnnData(
            X=counts.astype(np.float32).log1p()
            if name == "rna"
            else (counts > 0).astype(np.float32),
            obs=pd.DataFrame(index=cells),
            var=var[name],
            obsm={key: rng.normal(size=(len(cells), 3))},
        )
        part.layers["counts"] = counts.astype(np.int64)
        parts[name] = part
    mudata.set_options(pull_on_update=False)
    data = mudata.MuData(parts)
    for column in obs:
        data.obs[column] = obs[column].to_numpy()
    centres = np.array([[0, 0], [6, 1], [2, 7]])[[TYPES.index(t) for t in types]]
    data.obsm["X_umap"] = rng.normal(size=(len(cells), 2)) + centres
    io.write_mudata(data, folder / "multiome.h5mu", "multiome")

    n = len(cells) + 6
    qc = pd.DataFrame(
        {
            "cell": [*cells, *(f"s1:bad{i}" for i in range(6))],
            "sample": "s1",
            "n_umis": rng.poisson(600, n),
            "n_genes": rng.poisson(300, n),
            "percent_mito": rng.uniform(0, 9, n),
            "n_atac_counts": rng.poisson(800, n),
            "n_regions": rng.poisson(500, n),
            "percent_promoter": rng.uniform(5, 20, n),
            "doublet_score": np.nan,
            "reason": [None] * len(cells) + ["fewer than 200 UMIs"] * 6,
            "kept": [True] * len(cells) + [False] * 6,
        }
    )
    put(qc, folder / "qc.tsv", "cell_qc")
    dropped = pd.DataFrame(
        {
            "kind": "cell",
            "name": qc["cell"][-6:],
            "sample": "s1",
            "reason": "fewer than 200 UMIs",
        }
    )
    gene = pd.DataFrame(
        {
            "kind": ["gene"],
            "name": ["LOST"],
            "sample": [None],
            "reason": ["in fewer than 10 cells"],
        }
    )
    put(pd.concat([dropped, gene]), folder / "dropped.tsv", "dropped")
    markers = pd.DataFrame(
        [
            {"cell_type": t, "gene": g, "score": 9.0 - i, "log2_fold_change": 1.5, "p_adjusted": 1e-5 * (i + 1),
             "share_in": 0.8, "share_out": 0.2}
            for j, t in enumerate(sorted(TYPES)) for i, g in enumerate(GENES[10 * j : 10 * j + 8])
        ]
    )  # fmt: skip
    put(markers, folder / "markers.tsv", "markers")
    counts = {k: {"before": n + extra, "after": n} for k, n, extra in
              (("cell", len(cells), 6), ("gene", len(GENES), 1), ("region", len(REGIONS), 0))}  # fmt: skip
    summary = {
        "counts": counts,
        "dropped": {"cell": {"fewer than 200 UMIs": 6}},
        "samples": {"s1": len(cells)},
        "cell_types": {t: int((types == t).sum()) for t in TYPES},
        "cell_types_from": "annotation",
        "clusters": 4,
        "cluster_type_ari": 0.81,
        "median": {"n_umis": 600.0},
        "checks": {
            "s1": {
                "rna_barcodes": 96,
                "atac_barcodes": 97,
                "paired": 96,
                "tss_share": 0.2,
                "tss_enrichment": 6.1,
            }
        },
    }
    io.write_json(summary, folder / "summary.json", "prep_summary")


def _write_topics(folder: Path, rng: np.random.Generator, cells: list[str]) -> None:

    selection = pd.DataFrame(
        {
            "n_topics": [4, 6],
            "log_likelihood": [-10.2, -10.1],
            "heldout_log_likelihood": [-10.6, -10.7],
            "heldout_standard_error": [0.01, 0.02],
            "joint_log_likelihood": [-11.2, -11.1],
            "arun_2010": [0.02, 0.05],
            "cao_juan_2009": [0.2, 0.3],
            "coherence": [-2.0, -2.4],
            "distinct_topics": [4, 5],
            "mean_score": [1.0, 0.0],
            "selected": [True, False],
        }
    )
    put(selection, folder / "model_selection.tsv", "topic_selection")
    topics = pd.DataFrame(
        rng.dirichlet(np.ones(4), len(cells)),
        columns=[f"topic_{i}" for i in range(1, 5)],
    )
    topics.insert(0, "cell", cells)
    put(topics, folder / "cell_topic.parquet", "cell_topic")
    rows = [
        (f"topic_{i}", "topic_otsu", r, 0.1)
        for i in range(1, 5)
        for r in REGIONS[: 10 * i]
    ]
    rows += [(t, "dar", r, 1.0) for t in TYPES for r in REGIONS[:12]]
    frame = pd.DataFrame(rows, columns=["set", "kind", "region", "score"])
    put(frame, folder / "region_sets.parquet", "region_sets")


def _write_grn(
    folder: Path, rng: np.random.Generator, cells: list[str], types: np.ndarray
) -> None:
    import anndata
    import scipy.sparse as sp

    from grnformer.core import contracts, io
    from grnformer.core.file_names import file_names

    files = file_names(TYPES)
    names = [f"{tf}_direct_{'+' if i % 3 else '-'}/+" for i, tf in enumerate(TFS)]
    rows = [
        {"eregulon": e, "tf": tf, "region": REGIONS[j % len(REGIONS)], "gene": GENES[j], "tf_gene_weight": 1.0,
         "tf_gene_rho": 0.2, "region_gene_weight": 0.5, "region_gene_rho": 0.1, "evidence": "prior:CollecTRI"}
        for i, (e, tf) in enumerate(zip(names, TFS, strict=True)) for j in range(8 + i, 30 + 2 * i)
    ]  # fmt: skip
    eregulons = pd.DataFrame(rows)
    put(eregulons, folder / "eregulons.parquet", "eregulons")
    auc = rng.beta(2, 20, (len(cells), len(names))).astype(np.float32)
    threshold = np.quantile(auc, 0.8, axis=0)
    methods = ["bimodal" if i % 2 else "skewed" for i in range(len(names))]
    var = pd.DataFrame(
        {"tf": TFS, "n_genes": 20, "threshold": threshold, "threshold_method": methods},
        index=names,
    )
    var["doubtful"] = False
    contract = contracts.load("cell_activity")
    var = complete(var, contract["var"])
    activity = anndata.AnnData(
        auc,
        obs=complete(pd.DataFrame({"cell_type": types}, index=cells), contract["obs"]),
        var=var,
    )
    activity.layers["active"] = sp.csr_matrix(auc > threshold)
    activity.obsm["X_umap"] = rng.normal(size=(len(cells), 2)).astype(np.float32)
    activity.uns["rank_cutoff"] = 50
    io.write_anndata(activity, folder / "cell_activity.h5ad", "cell_activity")
    thresholds = pd.DataFrame(
        {
            "eregulon": names,
            "threshold": threshold,
            "method": methods,
            "doubtful": False,
        }
    )
    thresholds = thresholds.assign(
        separation=2.0, bic_gain=np.nan, n_active=18, n_cells=len(cells)
    )
    put(thresholds, folder / "thresholds.tsv", "thresholds")
    quality = pd.DataFrame(
        {
            "eregulon": names,
            "tf": TFS,
            "units": 18,
            "passed": [i > 1 for i in range(len(names))],
        }
    )
    quality = quality.assign(
        rho_genes=rng.uniform(-1, 1, len(names)), rho_regions=0.3, kept=True
    )
    put(quality, folder / "eregulon_quality.tsv", "eregulon_quality")
    specificity = pd.DataFrame(
        [(e, t, rng.uniform(0.2, 0.8)) for e in names for t in TYPES]
    )
    specificity.columns = ["eregulon", "cell_type", "rss"]
    put(specificity, folder / "specificity.parquet", "specificity")
    funnel = pd.DataFrame(
        {
            "step": ["TFs measured", "eRegulons"],
            "rule": "build_eregulons",
            "tfs": [30, 8],
            "pairs": [0, 200],
        }
    )
    put(funnel, folder / "funnel.tsv", "funnel")
    sizes = []
    for t in TYPES:
        edges = eregulons.drop_duplicates(["tf", "gene"]).sample(
            60, random_state=len(t)
        )
        edges = pd.DataFrame(
            {
                "tf": edges["tf"],
                "gene": edges["gene"],
                "weight": rng.uniform(size=60),
                "sign": np.where(edges["eregulon"].str.contains("-/"), -1, 1),
                "regions": [[r] for r in edges["region"]],
                "eregulons": [[e] for e in edges["eregulon"]],
                "evidence": edges["evidence"],
            }
        )
        put(edges, folder / "cell_type" / f"{files[t]}.parquet", "cell_type_grn")
        positive = int((edges["sign"] > 0).sum())
        sizes.append({"cell_type": t, "file": f"{files[t]}.parquet", "cells": int((types == t).sum()), "eregulons": 8,
                      "tfs": edges["tf"].nunique(), "genes": edges["gene"].nunique(), "regions": 30, "edges": 60,
                      "activating": positive, "repressing": 60 - positive, "mean_targets": 7.5})  # fmt: skip
    put(pd.DataFrame(sizes), folder / "cell_type_summary.tsv", "cell_type_summary")


def _write_graphs(folder: Path, rng: np.random.Generator, cells: list[str]) -> None:
    from grnformer.graph.bundle import Bundle, Graph, write_bundle

    genes = pd.DataFrame(
        {
            "node": range(50),
            "gene": GENES[:50],
            "token": range(100, 150),
            "is_tf": np.arange(50) < 8,
        }
    )
    pairs = pd.DataFrame(
        {
            "tf": np.repeat(np.arange(8), 12),
            "gene": rng.integers(0, 50, 96),
            "weight": 1.0,
            "sign": 1,
        }
    )
    pairs = pairs.drop_duplicates(["tf", "gene"])
    lost = pd.DataFrame(
        {"gene": GENES[50:], "reason": "not in the vocabulary", "edges_lost": 3}
    )
    activity = pd.DataFrame({"cell": cells, "eregulon": 0})
    for mode in ("none", "random", "hybrid"):
        kept = pairs if mode != "none" else pairs.iloc[:0]
        edges = pd.concat([kept.assign(cell_type=t) for t in TYPES])[
            ["cell_type", "tf", "gene", "weight", "sign"]
        ]
        eregulons = kept.assign(eregulon=kept["tf"])[
            ["eregulon", "tf", "gene", "weight", "sign"]
        ]
        graph = Graph(
            genes, edges, eregulons, activity if len(kept) else activity.iloc[:0], [f"e{i}" for i in range(8)],
            eregulons.assign(gene=eregulons["gene"].map(genes["gene"]))[["eregulon", "gene"]],
            pd.DataFrame({"eregulon": kept["tf"].unique(), "threshold": 0.1}), rank_cutoff=10,
        )  # fmt: skip
        meta = {
            "mode": mode, "scales": ["cell_type", "cell"], "cell_types": list(TYPES), "eregulons": graph.eregulon_names,
            "genes": 50, "edges": {t: len(kept) for t in TYPES}, "eregulon_edges": len(kept), "active_pairs": 0,
            "edges_lost": 30, "genes_lost": 10, "genes_without_edge": 0, "rank_cutoff": 10, "seed": 1,
        }  # fmt: skip
        write_bundle(Bundle(graph, lost, meta), folder / mode)


def _write_models(folder: Path, rng: np.random.Generator) -> None:
    from grnformer.core import io

    for i, arm in enumerate(ARMS):
        for seed in (1, 2):
            steps = np.arange(0, 60, 10)
            curve = pd.concat(
                [
                    pd.DataFrame(
                        {"step": steps, "epoch": 0, "split": split, "tokens_per_second": 1e4,
                         "loss": 1.0 / (1 + steps / 40) - 0.01 * i + rng.normal(0, 0.01, 6)}
                    )
                    for split in ("train", "heldout")
                ]
            )  # fmt: skip
            put(curve, folder / arm / f"seed{seed}" / "training.tsv", "training")
            heldout = {"objective": "masked_value", "n": 900, "loss_unit": "squared SD",
                       "loss": 0.7 - 0.01 * i + 0.002 * seed, "pearson": 0.5,
                       "baseline_loss": 1.0, "baseline_cell_type_loss": 0.9, "baseline_cell_type_pearson": 0.3,
                       "factor_loss": 0.72, "ridge_loss": 0.8, "linear_axes": 3,
                       "heldout_cells": 18, "train_cells": 72, "parameters": 1000,
                       "beta": None if arm == "none" else 0.05}  # fmt: skip
            put_card(folder / arm / f"seed{seed}", ARMS[arm], seed)
            io.write_json(
                heldout, folder / arm / f"seed{seed}" / "heldout.json", "heldout"
            )
            put_card(folder / arm / f"seed{seed}", ARMS[arm], seed)


def _write_attention(folder: Path, rng: np.random.Generator) -> None:
    """Attention of the arms with an adapter: hybrid gives TFs more, the controls do not."""
    matches = {
        "none": 1.4,
        "expression": 1.4,
        "degree": 1.3,
        "degree_expression": 1.2,
        "in_degree_expression": 1.3,
    }
    for arm in (arm for arm in ARMS if arm != "none"):
        rows, mass = [], []
        for cell_type in TYPES:
            for seed, state in (
                (1, "trained"),
                (2, "trained"),
                (1, "untrained"),
                (2, "untrained"),
            ):
                known = {"cell_type": cell_type, "seed": seed, "state": state}
                planted = arm == "hybrid" and state == "trained"
                values = {
                    match: (ratio if planted else 1) + rng.normal(0, 0.01)
                    for match, ratio in matches.items()
                }
                rows += [
                    known | {"queries": queries, "head": head, "matched_on": match, "enrichment": value, "p_value": 0.4,
                             "null_low": 0.8, "null_high": 1.2, "tfs": 7, "tfs_unmatched": 1}
                    for match, value in values.items()
                    for queries in ("masked", "seen", "cell") for head in ("0", "mean")
                ]  # fmt: skip
                mass += [
                    known | {"gene": gene, "is_tf": gene in TFS, "mass_masked": 1 + planted * (gene in TFS),
                             "in_degree": i % 5, "out_degree": 20 if gene in TFS else 0, "keys": 3}
                    for i, gene in enumerate(GENES[:50])
                ]  # fmt: skip
        put(pd.DataFrame(rows), folder / arm / "enrichment.tsv", "attention_enrichment")
        put(pd.DataFrame(mass), folder / arm / "mass.parquet", "attention_mass")
        models = pd.DataFrame(
            [{"cell_type": t, "seed": seed} for t in TYPES for seed in (1, 2)]
        )
        pairs = pd.DataFrame(
            [
                {"cell_type": t, "rank": i + 1, "tf": TFS[i], "target": GENES[20]}
                for t in TYPES
                for i in (0, 1)
            ]
        )
        put(
            pairs.assign(eregulons="TF0_direct_+/+"),
            folder / arm / "pairs.tsv",
            "attention_pairs",
        )
        put(
            models.assign(precision=0.1, same_tf_high=0.2),
            folder / arm / "pair_scores.tsv",
            "attention_pair_scores",
        )
        put(
            models.assign(loss_uniform=0.6),
            folder / arm / "contribution.tsv",
            "attention_contribution",
        )


def make_scores(
    benchmark: str,
    task: str,
    arms: dict[str, tuple[str, list[float | None]]],
    metric: str,
    unit: str,
) -> pd.DataFrame:
    """Scores by contract: arm -> (kind, values of the members)."""
    return pd.DataFrame(
        [
            {"benchmark": benchmark, "task": task, "arm": arm, "kind": kind, "metric": metric, "unit": unit,
             "member": str(i), "value": value, "n": 100}
            for arm, (kind, values) in arms.items() for i, value in enumerate(values)
        ]
    )  # fmt: skip


@pytest.fixture(scope="session", name="make_scores")
def make_scores_fixture() -> Any:
    return make_scores


def _write_benchmarks(folder: Path, rng: np.random.Generator) -> None:
    from grnformer.bench.summary import summarise_scores

    drug = [
        make_scores(
            "drug_response",
            split,
            {
                "hybrid": ("model", [0.41, 0.42, 0.43]),
                "none": ("control", [0.40, 0.42, 0.41]),
                "random": ("control", [0.41, 0.41, 0.43]),
                "expression PCA": ("reference", [0.44, 0.45, 0.44]),
                "per-drug ridge": ("baseline", [0.48]),
                "drug mean": ("baseline", [None]),
            },
            metric,
            "seed",
        )
        for split in ("pair", "line", "drug")
        for metric in ("double_centred_pearson", "rmse")
    ]
    grn = [
        make_scores(
            "grn_accuracy",
            line,
            {
                "eregulon": ("model", rng.normal(1.6, 0.2, 12).tolist()),
                "eregulon (wrong TF)": ("control", rng.normal(1.1, 0.2, 12).tolist()),
                "random": ("baseline", rng.normal(1.0, 0.1, 12).tolist()),
                "promoter and expression": (
                    "baseline",
                    rng.normal(1.5, 0.2, 12).tolist(),
                ),
            },
            "auprc_ratio",
            "tf",
        )
        for line in ("K562", "H1")
    ]
    truth = pd.DataFrame(
        {
            "cell_type": "K562",
            "line": "K562",
            "experiment": TFS,
            "tf": TFS,
            "targets": 90,
        }
    )
    truth = truth.assign(positives=40, fate="used")
    put(truth, folder / "grn_accuracy" / "truth.tsv", "grn_truth")
    for name, parts in (("drug_response", drug), ("grn_accuracy", grn)):
        scores = pd.concat(parts, ignore_index=True)
        put(scores, folder / name / "scores.tsv", "scores")
        put(
            summarise_scores(scores, n_resamples=200, seed=1),
            folder / name / "summary.tsv",
            "summary",
        )
