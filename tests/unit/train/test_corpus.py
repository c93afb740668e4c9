"""Several datasets as one: a joined bundle, rows of each file, tokens among its own genes, training that resumes."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnformer.core import io
from grnformer.core.errors import InputError
from grnformer.data.activity import VisibleActivity
from grnformer.data.batcher import Batcher
from grnformer.data.cells import CellStore
from grnformer.data.corpus import Corpus
from grnformer.data.split import split_cells
from grnformer.data.steps import StepBatches, load
from grnformer.graph.bundle import EDGE_TYPES, Bundle, Graph, read_bundle, write_bundle
from grnformer.graph.join import join_bundles
from grnformer.graph.measured import Measured, read_measured
from grnformer.infer.embed import Embedder
from grnformer.model.backbones import BACKBONES
from grnformer.model.moments import gene_moments
from grnformer.train.pretrain import pretrain
from grnformer.train.run import run

TOKENS = {
    "scgpt": {"n_bins": 20, "expressed_fraction": 0.5},
    "geneformer": {"medians": [1.0] * 40},
    "scfoundation": {"expressed_fraction": 0.5},
}
BLOCKS = {"batch_size": 16, "block_cells": 20, "held_blocks": 2}
VOCABULARY = {f"G{i}": 100 + i for i in range(40)}
ALIASES = {"OTHER": "G10"}


def part_of(
    bundle: Bundle, names: list[str], in_bundle: list[str], cells: set[str]
) -> Bundle:
    """The bundle of a dataset that measures `names` alone, of which its graph has some."""
    graph = bundle.graph
    node = {gene: n for n, gene in enumerate(in_bundle)}
    genes = graph.genes.set_index("gene").loc[in_bundle].reset_index()
    genes = genes.assign(node=range(len(genes)), token=genes["gene"].map(VOCABULARY))

    def moved(edges: pd.DataFrame) -> pd.DataFrame:
        ends = {
            end: edges[end].map(graph.genes["gene"]).map(node) for end in ("tf", "gene")
        }
        return edges.assign(**ends).dropna().astype(EDGE_TYPES).reset_index(drop=True)

    members = graph.members[graph.members["gene"].isin(names)]
    activity = graph.activity[graph.activity["cell"].isin(cells)]
    own = Graph(
        genes[["node", "gene", "token", "is_tf"]],
        moved(graph.edges),
        moved(graph.eregulons),
        activity.reset_index(drop=True),
        graph.eregulon_names,
        members.reset_index(drop=True),
        graph.thresholds,
        graph.rank_cutoff,
    )
    return Bundle(own, bundle.lost, bundle.meta | {"genes": len(genes)})


def as_prep_writes(data: ad.AnnData) -> Measured:
    """What a dataset of the workflow measures: its logarithms are taken as they are."""
    types = data.obs["cell_type"].astype(str).value_counts().sort_index()
    return Measured(list(data.var_names), types, "logarithms")


@pytest.fixture
def corpus(cells, bundle_of, tmp_path):
    """(paths, joint bundle, AnnData of each): `a` lacks the last genes, `b` the first; `c` has counts, no network."""
    _, data, *_ = cells
    rng = np.random.default_rng(5)
    genes = {
        "a": [f"G{i}" for i in range(34)],
        "b": [f"G{i}" for i in rng.permutation(np.arange(4, 40))],
    }
    rows = {"a": slice(0, 90), "b": slice(90, 160)}
    datas = {name: data[rows[name], genes[name]].copy() for name in genes}
    datas["b"].obs["cell_type"] = (
        datas["b"].obs["cell_type"].astype(str).replace({"B": "C"})
    )
    bundles = {}
    for name, one in datas.items():
        mine = part_of(
            bundle_of("hybrid"), genes[name], genes[name][:-3], set(one.obs_names)
        )
        if name == "b":
            edges = mine.graph.edges.assign(
                cell_type=mine.graph.edges["cell_type"].replace({"B": "C"})
            )
            mine = Bundle(
                Graph(**vars(mine.graph) | {"edges": edges}),
                mine.lost,
                mine.meta | {"cell_types": ["A", "C"]},
            )
        bundles[name] = mine
    counts = sp.random(
        30,
        36,
        0.4,
        "csr",
        random_state=0,
        data_rvs=lambda n: rng.integers(1, 9, n).astype(float),
    )
    obs = pd.DataFrame(
        {"cell_type": ["A", "B", "new"] * 10}, index=[f"c{i}" for i in range(30)]
    )
    named = ["OTHER", *[f"G{i}" for i in range(3, 38) if i != 10], "G39", "unknown"][
        :36
    ]
    datas["c"] = ad.AnnData(counts, obs, pd.DataFrame(index=named))
    for name, one in datas.items():
        one.write_h5ad(tmp_path / f"{name}.h5ad")
    paths = {name: str(tmp_path / f"{name}.h5ad") for name in datas}
    measured = {
        "a": as_prep_writes(datas["a"]),
        "b": as_prep_writes(datas["b"]),
        "c": read_measured(paths["c"]),
    }
    joint = join_bundles(bundles, measured, VOCABULARY, ALIASES)
    write_bundle(joint, tmp_path / "joint")
    return paths, read_bundle(tmp_path / "joint"), datas


def source_of(store, bundle, backbone="scgpt"):
    tokeniser = BACKBONES[backbone].tokeniser(**TOKENS[backbone])
    return Batcher(
        store,
        bundle.graph,
        bundle.meta["cell_types"],
        tokeniser,
        n_tokens=24,
        mask_fraction=0.3,
    )


def test_the_joint_bundle_names_what_differs(corpus, tmp_path):
    _, bundle, datas = corpus
    graph, meta = bundle.graph, bundle.meta
    assert sorted(graph.genes["gene"]) == sorted(VOCABULARY)
    assert meta["cell_types"] == ["a/A", "B", "b/A", "C"]
    assert meta["datasets"]["c"]["cell_types"] == {"A": "a/A", "B": "B", "new": "new"}
    assert meta["datasets"]["c"]["cells_without_network"] == 10
    assert meta["datasets"]["c"]["values"] == "counts"
    assert graph.eregulon_names[:1] == ["a/r0"]
    assert meta["datasets"]["b"]["eregulons"] == [10, 20]
    names = graph.genes["gene"].to_numpy()
    for dataset, name in (("a", "a/A"), ("b", "C")):
        own = graph.edges[graph.edges["cell_type"] == name]
        ends = set(names[own["tf"]]) | set(names[own["gene"]])
        assert ends <= set(datas[dataset].var_names)
        assert len(own)
    # also what their bundles lack
    assert (bundle.sources["dataset"].value_counts()[["a", "b"]] == [34, 36]).all()
    other = bundle.sources.query("dataset == 'c'").set_index("gene")["node"]
    assert names[other["OTHER"]] == "G10"
    assert "unknown" not in other


def test_rows_come_from_their_file_by_the_graph_s_genes(corpus):
    paths, bundle, datas = corpus
    names = bundle.graph.genes["gene"].to_numpy()
    rows = np.array([0, 5, 89, 90, 100, 159, 160, 189])
    with Corpus.of_bundle(paths, bundle) as store:
        assert store.n_cells == 190
        assert store.names(rows).tolist() == store.cells[rows].tolist()
        assert store.names(rows)[[2, 3, 6]].tolist() == ["a/c89", "b/c90", "c/c0"]
        assert store.cell_types[[0, 1, 90, 91, 160, 162]].tolist() == [
            "B",
            "a/A",
            "C",
            "b/A",
            "a/A",
            "new",
        ]
        read = pd.DataFrame(store.read(rows).toarray(), store.names(rows), names)
    for name, local in (("a", [0, 5, 89]), ("b", [0, 10, 69])):
        expected = datas[name][local].to_df()
        found = read.loc[[f"{name}/{cell}" for cell in expected.index]]
        np.testing.assert_array_equal(found[expected.columns], expected)
        assert (found.drop(columns=expected.columns) == 0).all(axis=None)
    counts = datas["c"][[0, 29]].to_df()
    scaled = np.log1p(counts.div(counts.sum(axis=1), axis=0) * 1e4)
    np.testing.assert_allclose(read.iloc[-2:]["G5"], scaled["G5"], rtol=1e-6)
    np.testing.assert_allclose(read.iloc[-2:]["G10"], scaled["OTHER"], rtol=1e-6)


@pytest.mark.parametrize("backbone", TOKENS)
def test_no_token_is_a_gene_that_was_not_measured(corpus, backbone):
    paths, bundle, _ = corpus
    with Corpus.of_bundle(paths, bundle) as store:
        source, rows = source_of(store, bundle, backbone), np.arange(0, 190, 2)
        assert source.n_tokens == 24
        batches = StepBatches(source, rows, **BLOCKS, n_steps=12, seed=1)
        mixed, unexpressed = 0, 0
        for _, parts in batches:
            batch = parts.batches[0]
            genes = batch.gene_BL.numpy()
            present = (
                np.ones(genes.shape, bool)
                if batch.present_BL is None
                else batch.present_BL.numpy()
            )
            types = np.array(source.cell_types)[batch.type_B]
            mixed += len({"a/A", "C"} & set(types)) == 2
            for b, name in enumerate(types):
                drawn = genes[b][present[b]]
                assert len(set(drawn)) == len(drawn)
                if name == "C":  # of b alone
                    assert np.isin(drawn, source.corpus.parts[1].nodes).all()
                unexpressed += (batch.value_BL[b].numpy()[present[b]] == 0).sum()
        assert mixed
        assert unexpressed or backbone == "geneformer"


def test_each_dataset_s_cells_know_its_own_eregulons(corpus):
    paths, bundle, _ = corpus
    with Corpus.of_bundle(paths, bundle) as store:
        source = source_of(store, bundle)
        rows = np.array([3, 88, 95, 120, 170])
        held = source.read(rows)
        batch = source.masked_batch(rows, held, np.random.default_rng(0))
        whole = source.whole_batch(rows, held.values, np.random.default_rng(0))
        for b, (part, local) in enumerate([(0, 3), (0, 88), (1, 5), (1, 30), (2, 10)]):
            own = store.parts[part]
            first, end = own.eregulons
            assert not np.delete(batch.active_BK[b].numpy(), np.s_[first:end]).any()
            told = VisibleActivity(
                own.graph_of(bundle.graph), own.store, own.nodes
            ).score(
                own.store.read_all(np.array([local])),
                batch.gene_BL[[b]].numpy(),
                batch.masked_BL[[b]].numpy(),
            )
            np.testing.assert_array_equal(batch.active_BK[b].numpy(), told[0])
        assert batch.active_BK[:4].sum() > 0
        stored = bundle.graph.activity.groupby("cell")["eregulon"].agg(set)
        for b, name in enumerate(["a/c3", "a/c88", "b/c95", "b/c120"]):
            assert set(np.flatnonzero(whole.active_BK[b].numpy())) == stored.get(
                name, set()
            )
        assert not whole.active_BK[4].any()


def test_moments_are_those_of_the_cells_that_measured_a_gene(corpus):
    paths, bundle, _ = corpus
    with Corpus.of_bundle(paths, bundle) as store:
        source = source_of(store, bundle)
        rows = np.arange(160)
        triples = [
            (source.values(r), source.type_of_cell[r], source.measured(r))
            for r in source.blocks(rows, 20)
        ]
        # none is of two files
        assert [len(t[1]) for t in triples] == [20, 20, 20, 20, 10, 20, 20, 20, 10]
        both = gene_moments(triples, len(source.cell_types), 24, 0.5)
        node = bundle.graph.genes.set_index("gene")["node"]
        of_a = gene_moments(triples[:5], len(source.cell_types), 24, 0.5)
        blind = gene_moments(
            [(v, t, None) for v, t, _ in triples], len(source.cell_types), 24, 0.5
        )
        only_a = node[["G0", "G1", "G2", "G3"]].to_numpy()
        np.testing.assert_allclose(both[0][only_a], of_a[0][only_a], atol=0.03)
        assert (both[0][only_a] > 1.2 * blind[0][only_a]).all()
        filled = source.filled_values(rows).toarray()
        np.testing.assert_allclose(
            filled[90:, only_a],
            np.tile(filled[:90, only_a].mean(0), (70, 1)),
            rtol=1e-5,
        )


def test_workers_processes_and_the_order_of_datasets_change_nothing(corpus):
    paths, bundle, _ = corpus
    with (
        Corpus.of_bundle(paths, bundle) as store,
        Corpus.of_bundle(dict(reversed(paths.items())), bundle) as turned,
    ):
        assert store.digest() == turned.digest()
        drawn = []
        for one, workers, processes in ((store, 0, 1), (turned, 2, 1), (store, 0, 2)):
            genes = []
            for process in range(processes):
                batches = StepBatches(
                    source_of(one, bundle),
                    np.arange(0, 190, 3),
                    **BLOCKS,
                    n_steps=6,
                    seed=1,
                )
                batches.divide(0, process, processes, 1)
                parts = [
                    part.batches[0].gene_BL.numpy()
                    for _, part in load(batches, 6, workers, pinned=False)
                ]
                genes.append(parts)
            drawn.append([np.concatenate(step) for step in zip(*genes, strict=True)])
    for other in drawn[1:]:
        np.testing.assert_array_equal(np.stack(drawn[0]), np.stack(other))


def test_a_corpus_of_one_dataset_has_the_batches_of_the_dataset(
    cells, bundle_of, tmp_path
):
    path, data, *_ = cells
    alone = part_of(
        bundle_of("hybrid"),
        list(data.var_names),
        list(data.var_names),
        set(data.obs_names),
    )
    joint = join_bundles({"x": alone}, {"x": as_prep_writes(data)}, VOCABULARY, {})
    drawn = []
    with (
        Corpus.of_dataset(path, list(data.var_names)) as one,
        Corpus.of_bundle({"x": path}, joint) as other,
    ):
        for store, bundle in ((one, alone), (other, joint)):
            batches = StepBatches(
                source_of(store, bundle),
                np.arange(0, 150),
                **BLOCKS,
                n_steps=20,
                seed=1,
            )
            drawn.append(
                [parts.batches[0] for _, parts in load(batches, 20, 0, pinned=False)]
            )
    for one_batch, other_batch in zip(*drawn, strict=True):
        for name in ("gene_BL", "value_BL", "masked_BL", "active_BK", "type_B"):
            np.testing.assert_array_equal(
                getattr(one_batch, name), getattr(other_batch, name)
            )


@pytest.fixture
def job(corpus, settings, tmp_path):
    paths, _, datas = corpus
    parts = [
        split_cells(one.obs, heldout_fraction=0.25, seed=1).assign(
            cell=lambda t, name=name: f"{name}/" + t["cell"]
        )
        for name, one in datas.items()
    ]
    io.write_table(pd.concat(parts, ignore_index=True), tmp_path / "split.tsv", "split")
    folder = tmp_path / "run"
    names = {
        "weights": "model.safetensors",
        "card": "model.json",
        "training": "training.tsv",
    }
    names |= {"heldout": "heldout.json", "reference": "reference.parquet"}
    return {
        "multiome": paths,
        "split": str(tmp_path / "split.tsv"),
        "bundle": str(tmp_path / "joint"),
        "checkpoints": str(folder / "checkpoint"),
        "checkpoint": None,
        "medians": None,
        "vocabulary": None,
        "settings": settings,
        "seed": 1,
        "threads": 1,
        "arm": {"graph": "hybrid", "adapter": True, "perturbation": "coexpression"},
        "outputs": {key: str(folder / file) for key, file in names.items()},
    }


def test_training_scores_each_dataset_resumes_and_maps_back(job, corpus, tmp_path):
    paths, bundle, datas = corpus
    run(job)
    scores = io.read_json(job["outputs"]["heldout"], "heldout")
    held = {name: one["heldout_cells"] for name, one in scores["datasets"].items()}
    assert held == {"a": 22, "b": 18, "c": 6}
    assert scores["heldout_cells"] == sum(held.values())
    assert sum(one["n"] for one in scores["datasets"].values()) == scores["n"]
    reference = io.read_table(job["outputs"]["reference"], "reference_embedding")
    assert len(reference) == 190
    curve = io.read_table(job["outputs"]["training"], "training")
    split = io.read_table(job["split"], "split")
    options = {
        "model_seed": 1,
        "checkpoints": tmp_path / "again",
        "threads": 1,
        "checkpoint": None,
        "medians": None,
    }
    with Corpus.of_bundle(paths, bundle) as store:
        for stop in (7, None):
            again = pretrain(
                store,
                split,
                bundle,
                job["arm"],
                job["settings"],
                **options,
                stop_after=stop,
            )
    np.testing.assert_array_equal(
        again.reference.filter(like="dim_"), reference.filter(like="dim_")
    )
    np.testing.assert_allclose(again.curve["loss"], curve["loss"], rtol=1e-5)
    mapping = {"exact_up_to": 500, "usual_quantile": 0.95, "warn_above": 1.0}
    embedder = Embedder(
        tmp_path / "run",
        job["bundle"],
        {"batch_size": 16, "seed": 1, "mapping": mapping},
    )
    with Corpus.of_bundle(paths, bundle) as store:
        part = store.parts[1]
        _, mapped = embedder.embed_block(part.store.read(np.arange(70)), part.nodes, 0)
    assert mapped["cell"].str.startswith("b/").mean() > 0.5  # of 0.37 by chance
    data = datas["b"].copy()
    data.X.data[0] += 1
    data.write_h5ad(paths["b"])
    with Corpus.of_bundle(paths, bundle) as changed:
        assert changed.digest() != again.card["data"]


def test_a_model_of_both_predicts_held_out_cells_of_both(settings, job):
    settings["size"] |= {"steps": 200, "learning_rate": 0.005}
    run(job)
    scores = io.read_json(job["outputs"]["heldout"], "heldout")["datasets"]
    for name in ("a", "b"):  # c is noise
        assert scores[name]["loss"] < 0.95 * scores[name]["baseline_loss"]
        assert scores[name]["pearson"] > 0.2


def test_a_bundle_of_other_datasets_is_refused(corpus):
    paths, bundle, _ = corpus
    with pytest.raises(InputError, match="bundle of the datasets"):
        Corpus.of_bundle({"a": paths["a"]}, bundle)


def test_files_of_a_corpus_must_have_types_and_usable_values(corpus, tmp_path):
    data = corpus[2]["c"]
    del data.obs["cell_type"]
    data.write_h5ad(tmp_path / "untyped.h5ad")
    with pytest.raises(InputError, match="no column cell_type"):
        read_measured(tmp_path / "untyped.h5ad")
    data.obs["cell_type"] = "A"
    data.X.data[0] = -1
    data.write_h5ad(tmp_path / "negative.h5ad")
    with pytest.raises(InputError, match="negative"):
        read_measured(tmp_path / "negative.h5ad")


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize("total", [None, 1e4, 1e6])
def test_of_a_file_genes_alone_are_read_and_twins_are_summed(tmp_path, total):
    """Counts, or logarithms of any total; an antibody named as a gene, a peak, a gene whose first column is empty."""
    genes = np.c_[np.zeros(8), np.random.default_rng(0).poisson(3, (8, 9)) + 1.0]
    values = genes
    if total:
        values = np.log1p(genes / genes.sum(1, keepdims=True) * total)
    others = np.random.default_rng(1).poisson(60, (8, 2))
    kinds = [*["Gene Expression"] * 10, "Antibody Capture", "Peaks"]
    names = ["G1", "G2", "G1", *[f"G{i}" for i in range(3, 10)], "G11", "chr1:1-2"]
    obs = pd.DataFrame({"cell_type": "A"}, index=[f"c{i}" for i in range(8)])
    var = pd.DataFrame({"feature_types": kinds}, index=names)
    path = tmp_path / "x.h5ad"
    ad.AnnData(sp.csr_matrix(np.c_[values, others]), obs, var).write_h5ad(path)

    what = read_measured(path)
    assert what.genes == [f"G{i}" for i in range(1, 10)]
    assert what.values == {None: "counts", 1e4: "logarithms", 1e6: "rescaled"}[total]
    with CellStore(path, ["G2", "G1"], scale=what.values) as store:
        read = store.read(np.arange(2, 8)).toarray()
    right = np.c_[genes[:, 1], genes[:, 0] + genes[:, 2]] / genes.sum(1)[:, None]
    np.testing.assert_allclose(read, np.log1p(right * 1e4)[2:], rtol=1e-5)


def test_a_file_that_shares_few_genes_is_refused_or_told(corpus, bundle_of, caplog):
    _, data = corpus[0], corpus[2]["a"]
    alone = part_of(
        bundle_of("hybrid"),
        list(data.var_names),
        list(data.var_names),
        set(data.obs_names),
    )
    own, types = as_prep_writes(data), pd.Series({"A": 9})

    def join(genes):
        measured = {"a": own, "c": Measured(genes, types, "counts")}
        return join_bundles({"a": alone}, measured, VOCABULARY, ALIASES)

    join(["G1", "G2", "unknown"])
    assert "c: only 2 of the graph's 34 genes are measured (6%)" in caplog.text
    with pytest.raises(InputError, match="c: 1 of the graph's 34 genes"):
        join(["G1", "unknown"])
