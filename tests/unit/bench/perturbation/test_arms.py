"""Arms on a planted screen: pathways decide the responses, and rewired ones tell nothing."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from grnformer.bench.perturbation import arms, knowledge, predict
from grnformer.bench.perturbation.evidence import Knowledge
from grnformer.bench.perturbation.expression import read_expression
from grnformer.bench.perturbation.labels import folds, read_labels
from grnformer.bench.perturbation.propagate import propagate
from grnformer.bench.perturbation.score import (
    EMBEDDED,
    predict_by_model,
    predict_by_network,
    predict_screen,
    score_predictions,
    score_screen,
)
from grnformer.bench.perturbation.similarity import nearest, share_letters
from grnformer.bench.summary import compare_arms, summarise_scores
from grnformer.core.errors import InputError


def write_labels(path, seed=0, swap_test=False):
    """120 perturbed genes of 8 pathways, 40 genes; a pathway raises some genes; the last 30 are tested."""
    rng = np.random.default_rng(seed)
    names = [f"{'QXJZ'[i % 4]}{'WVKY'[rng.integers(4)]}{i}" for i in range(120)]
    pathway = rng.integers(0, 8, 120)
    responds = rng.random((8, 40)) < 0.3
    noise = rng.random((120, 40)) < 0.1
    label = responds[pathway] ^ noise
    if swap_test:
        label[90:] = ~label[90:]
    rows = [
        (names[p], f"G{g}", int(label[p, g]), "test" if p >= 90 else "train")
        for p in range(120)
        for g in range(40)
        if (p + g) % 2
    ]
    table = pd.DataFrame(rows, columns=["pert", "gene", "label", "split"])
    table.to_csv(path, index=False)
    links = pd.DataFrame({"gene": names, "group": [f"P{i}" for i in pathway]})
    return read_labels(path), links


@pytest.fixture
def planted(tmp_path):
    labels, links = write_labels(tmp_path / "labels.csv")
    rng = np.random.default_rng(1)
    names = labels.perturbations
    pairs = pd.DataFrame(
        {"source": rng.choice(names, 200), "target": rng.choice(names, 200), "sign": 1}
    )
    pairs = pairs[pairs["source"] != pairs["target"]].drop_duplicates(ignore_index=True)
    expression = pd.DataFrame(rng.random((30, len(names))), columns=names)
    return labels, Knowledge(links, links, pairs, pairs), expression


def test_pathways_that_decide_are_found_and_rewired_ones_tell_nothing(planted):
    labels, known, expression = planted
    predictions, choices = predict_screen(labels, "effects", known, expression, 3, 1)
    scores = score_predictions(predictions, "k562 effects", 120, 1)
    summary = summarise_scores(scores, n_resamples=100, seed=1)
    within = summary[summary["metric"] == "within_gene_auroc"].set_index("arm")
    assert within.loc["pathways", "estimate"] > 0.8
    assert within.loc["everything_blend", "estimate"] > 0.75
    assert 0.35 < within.loc["pathways_rewired", "estimate"] < 0.65
    assert within.loc["gene_rate", "estimate"] == 0.5
    assert within.loc["pathways_rewired", "kind"] == "control"
    assert within.loc["pathways", "failed"] == 0
    # a forest on pathways is a baseline too, and here the one to beat
    assert within.loc["pathways", "baseline"] == "random_forest"
    # both ends of the interval lie around the value of all data
    assert within.loc["pathways", "low"] < within.loc["pathways", "estimate"]

    pairs = [("pathways", "pathways_rewired")]
    gain = compare_arms(scores, pairs, ["within_gene_auroc"], 100, 1).iloc[0]
    assert gain["outcome"] == "better"
    # a paired difference is that of the two estimates
    both = within["estimate"]
    expected = both["pathways"] - both["pathways_rewired"]
    assert gain["difference"] == pytest.approx(expected)
    assert choices.set_index("arm").loc["pathways", "settings"].startswith("power=")


def test_a_blend_takes_a_forest_where_training_says_so(planted):
    labels, known, _ = planted
    task = arms.Task.of(labels, signed=False, n_folds=3, seed=1)
    genes = labels.perturbations.tolist()
    letters = share_letters(genes)
    plain = {"letters": letters, "coexpression": letters}
    smoothed = arms.smoothed_arms(task, plain, ["letters_coexpression"])
    pathway = known.pathways.set_index("gene")["group"].reindex(genes)

    def blend(features):
        return arms.blended_arm(
            task, plain, smoothed, "letters_coexpression", features, seed=1
        )

    told = blend(pd.get_dummies(pathway).to_numpy(float))
    noise = blend(np.random.default_rng(0).random((len(genes), 5)))

    # letters say nothing here, pathways all
    assert told.settings["forest"]
    assert told.inner > noise.inner + 0.1
    without = predict.blend([smoothed["letters_coexpression"].scores], labels)
    assert task.split.auroc(told.scores) > task.split.auroc(without) + 0.1


def test_labels_of_the_test_part_change_no_prediction_and_no_choice(planted, tmp_path):
    labels, known, expression = planted
    other, _ = write_labels(tmp_path / "swapped.csv", swap_test=True)
    assert (labels.positive != other.positive).any()
    found = [
        predict_screen(given, "effects", known, expression, 3, 1)
        for given in (labels, other)
    ]
    predictions = [table.drop(columns="positive") for table, _ in found]
    pd.testing.assert_frame_equal(*predictions)
    pd.testing.assert_frame_equal(found[0][1], found[1][1])


def embeddings_of(links, names, seed=2):
    """A vector a pathway with noise, of three of four genes; what all genes share is much larger."""
    rng = np.random.default_rng(seed)
    known = links[links["gene"].isin(names[np.arange(len(names)) % 4 != 0])]
    place = known["group"].str[1:].astype(int)
    vectors = 20 + np.eye(8)[place] + 0.1 * rng.normal(size=(len(known), 8))
    table = pd.DataFrame(vectors, columns=[f"dim_{i}" for i in range(8)])
    table.insert(0, "gene", known["gene"].to_numpy())
    return table


def predict_model(planted, embeddings, labels=None):
    return predict_by_model(
        labels or planted[0], "effects", embeddings, *planted[1:], "hybrid", 3, 1
    )


def test_embeddings_that_know_pathways_are_found_and_shuffled_ones_tell_nothing(
    planted,
):
    labels, known, _ = planted
    right = embeddings_of(known.pathways, labels.perturbations)
    rng = np.random.default_rng(0)
    wrong = right.assign(gene=rng.permutation(right["gene"]))
    by_right, choices = predict_model(planted, [right, right.iloc[::-1]])
    by_wrong, _ = predict_model(planted, [wrong])
    by_wrong = by_wrong.rename(columns=lambda name: name.replace("hybrid", "none"))
    tables = [(by_right, "model"), (by_wrong, "control")]
    scores = score_screen(tables, "k562 effects", 120, 1)

    within = scores[scores["metric"] == "within_gene_auroc"]
    value = within[within["member"] == "all"].set_index(["task", "arm"])["value"]
    task = "k562 effects" + EMBEDDED
    assert value[task, "model_hybrid"] > 0.75
    assert 0.35 < value[task, "model_none"] < 0.65
    # those without an embedding score as the average
    assert value["k562 effects", "model_hybrid"] < value[task, "model_hybrid"]
    assert value["k562 effects", "model_hybrid_and_graphs"] > 0.8
    assert set(within.loc[within["arm"] == "model_none", "kind"]) == {"control"}

    # the order of rows is none of a table's meaning: both seeds are the same model
    seeds = scores[scores["metric"] == "within_gene_auroc_by_seed"]
    of_hybrid = seeds[(seeds["task"] == task) & (seeds["arm"] == "model_hybrid")]
    np.testing.assert_allclose(of_hybrid["value"], value[task, "model_hybrid"])
    assert of_hybrid["member"].tolist() == ["1", "2"]
    assert "model_hybrid: 2" in set(choices["arm"])
    assert choices["training_auroc"].notna().all()

    absent = by_right[~by_right["embedded"]]
    assert 0.1 < len(absent) / len(by_right) < 0.4
    rates = absent.groupby("gene")["model_hybrid: 1"].nunique()
    assert (rates == 1).all()


def test_labels_of_the_test_part_change_no_choice_and_no_prediction_of_a_model(
    planted, tmp_path
):
    labels, known, _ = planted
    table = embeddings_of(known.pathways, labels.perturbations)
    other, _ = write_labels(tmp_path / "swapped.csv", swap_test=True)
    found = [predict_model(planted, [table], given) for given in (labels, other)]
    predictions = [part.drop(columns="positive") for part, _ in found]
    pd.testing.assert_frame_equal(*predictions, check_exact=True)
    pd.testing.assert_frame_equal(found[0][1], found[1][1], check_exact=True)


def test_models_of_other_symbols_are_refused(planted):
    table = embeddings_of(planted[1].pathways, planted[0].perturbations)
    mouse = table.assign(gene=table["gene"].str.lower())
    with pytest.raises(InputError, match=r"0 of 120 perturbed genes .* arm hybrid"):
        predict_model(planted, [table, mouse])


def test_inner_folds_hold_each_training_perturbation_once_and_none_of_the_test_part(
    planted,
):
    labels = planted[0]
    tested = set(labels.perturbation[labels.tested])
    parts = folds(labels, 3, seed=1)
    inner = [set(part.perturbation[part.tested]) for part in parts]
    assert sum(map(len, inner)) == len(set.union(*inner)) == 90
    for part, held in zip(parts, inner, strict=True):
        assert not tested & set(part.perturbation)
        assert not held & set(part.perturbation[~part.tested])


def test_the_smoother_is_its_formula_and_the_regression_that_of_a_dense_solver(
    planted, monkeypatch
):
    labels = planted[0]
    task = arms.Task.of(labels, signed=False, n_folds=2, seed=1)
    train, rows = task.split.train, task.split.rows
    rng = np.random.default_rng(0)
    vectors = rng.random((len(labels.perturbations), 5)).astype(np.float32)
    alike = vectors @ vectors.T
    some = alike[np.ix_(rows, train.rows)]

    found = predict.smooth(train, alike, rows, power=2)
    kernel = train.co_response**2
    bottom = some @ train.observed @ kernel
    expected = some @ train.response @ kernel / (bottom + 3 * bottom.mean())
    np.testing.assert_allclose(found, expected, rtol=1e-4)

    # by default it stops early, which regularises
    monkeypatch.setattr(predict, "_STEPS", 300)
    scale = np.diag(alike).mean()
    seen = train.observed.ravel() > 0
    between = alike[np.ix_(train.rows, train.rows)] / scale
    gram = np.kron(between, train.co_response + 0.1)[np.ix_(seen, seen)]
    exact = np.linalg.solve(gram + 2 * np.eye(seen.sum()), train.response.ravel()[seen])
    weights = np.zeros(seen.shape)
    weights[seen] = exact
    expected = (some / scale) @ weights.reshape(train.response.shape)
    expected = expected @ (train.co_response + 0.1)
    found = predict.regress(train, alike, rows, offset=0.1)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_gene_without_responses_in_training_gets_the_mean_of_its_perturbation(
    planted,
):
    labels = planted[0]
    first = labels.gene == 0
    labels = replace(labels, positive=labels.positive & ~first)
    split = arms.Split.of(labels, signed=False)
    assert split.train.column[0] == -1
    predicted = np.random.default_rng(0).random((len(split.rows), 39))
    scores = split.tested(predicted)
    of_first = first[labels.tested]
    row = np.searchsorted(split.rows, labels.perturbation[labels.tested][of_first])
    np.testing.assert_allclose(scores[of_first], predicted.mean(1)[row])


def test_rewiring_keeps_sizes_and_degrees():
    rng = np.random.default_rng(0)
    links = pd.DataFrame(
        {"gene": rng.integers(0, 60, 400), "group": rng.integers(0, 30, 400)}
    ).drop_duplicates(ignore_index=True)
    other = knowledge.rewire_links(links, rng)
    for column in ("gene", "group"):
        left, right = (table[column].value_counts() for table in (links, other))
        pd.testing.assert_series_equal(left, right, check_like=True)
    assert not other.duplicated().any()
    assert len(links.merge(other)) < len(links) / 3


def test_propagation_turns_the_sign_of_a_knock_down_and_halves_the_second_step():
    pairs = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"], "sign": [1, -1]})
    genes = np.array(["B", "C", "Z"])
    signed = propagate(pairs, np.array(["A", "unknown"]), genes, signed=True)
    np.testing.assert_allclose(signed, [[-1, 0.5, 0], [0, 0, 0]])
    size = propagate(pairs, np.array(["A"]), genes, signed=False)
    np.testing.assert_allclose(size, [[1, 0.5, 0]])


def test_letters_and_neighbours():
    alike = share_letters(["RPL3", "RPL4", "RPS3", "TP53"])
    np.testing.assert_allclose(alike[0], [1, 2 / 3, 1 / 3, 0], rtol=1e-6)
    chosen = nearest(alike, np.array([1, 2]), k=1)
    # a perturbation is no neighbour of itself
    np.testing.assert_array_equal(
        chosen, [[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0] * 4]
    )


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["A,G,1,train", "A,H,0,test"], "in train and in test"),
        (["A,G,1,train", "A,G,0,train", "B,G,0,test"], "stand twice"),
        (["A,G,2,train", "B,G,0,test"], "'2'"),
        (["A,G,1,train", "B,G,0,valid"], "'valid'"),
        (["A,G,1,train"], "only train"),
        ([",G,1,train", "B,G,0,test"], "column 'pert': ''"),
        (["A,,1,train", "B,G,0,test"], "column 'gene': ''"),
    ],
)
def test_labels_that_leak_or_are_none_are_refused(tmp_path, rows, found):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["pert,gene,label,split", *rows]))
    with pytest.raises(InputError, match=found):
        read_labels(path)


def test_knowledge_of_other_names_is_refused(planted):
    labels, known, expression = planted
    for name, column in (("pathways", "gene"), ("interactions", "source")):
        table = getattr(known, name)
        ids = {column: [f"{i}" for i in range(len(table))]}
        if name == "interactions":
            ids["target"] = ids["source"]
        other = replace(known, **{name: table.assign(**ids)})
        with pytest.raises(InputError, match=f" 0 of 120 .* {name};"):
            predict_screen(labels, "effects", other, expression, 3, 1)
    empty = replace(known, prior=known.prior.head(0))
    with pytest.raises(InputError, match="prior; genes there: none"):
        predict_screen(labels, "effects", empty, expression, 3, 1)


def test_a_network_of_other_names_is_refused(planted):
    labels = planted[0]
    network = pd.DataFrame(
        {"tf": labels.perturbations, "gene": "G1", "importance": 1.0, "rho": 0.5}
    )
    assert len(predict_by_network(labels, "effects", network, "tiny", 1))
    for column, found in (("tf", "perturbed genes are TFs"), ("gene", "are targets")):
        other = network.assign(**{column: "Gata1"})
        with pytest.raises(InputError, match=found):
            predict_by_network(labels, "effects", other, "tiny", 1)


def test_folds_without_both_labels_of_a_gene_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    rows = ["A,G,1,train", "B,G,0,train", "C,G,1,test", "D,G,0,test"]
    path.write_text("\n".join(["pert,gene,label,split", *rows]))
    with pytest.raises(InputError, match="no gene with both labels"):
        arms.Task.of(read_labels(path), signed=False, n_folds=2, seed=1)


def test_cells_of_several_files_share_their_genes(tmp_path, caplog):
    rng = np.random.default_rng(0)
    names = [f"G{i}" for i in range(20)]
    counts = pd.DataFrame(rng.poisson(3, (30, 21)), columns=[*names, "other"])
    counts.index = [f"cell{i}" for i in range(30)]
    counts.T.to_csv(tmp_path / "whole.csv")
    counts.drop(columns=["G0", "G1"]).to_csv(tmp_path / "part.csv")
    paths = [str(tmp_path / name) for name in ("whole.csv", "part.csv")]
    found = read_expression(paths[:1], names)
    expected = counts[names].div(counts.sum(axis=1), axis=0) * 1e4
    np.testing.assert_allclose(found[names], np.log1p(expected), rtol=1e-6)

    joined = read_expression(paths, names)
    # zeros of a file that does not measure a gene would tell the files apart
    assert sorted(joined) == sorted(names[2:])
    assert len(joined) == 60
    assert "2 perturbed genes, such as G0" in caplog.text


def test_expression_is_counts_of_rna_alone(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"G{i}" for i in range(20)]
    counts = rng.poisson(3, (30, 25)).astype(np.float32)
    data = anndata.AnnData(counts, obs=pd.DataFrame(index=[f"c{i}" for i in range(30)]))
    data.var_names = [*names, *(f"chr1:{i}-{i + 9}" for i in range(5))]
    data.var["feature_types"] = ["Gene Expression"] * 20 + ["Peaks"] * 5
    data.write_h5ad(tmp_path / "multiome.h5ad")
    found = read_expression([str(tmp_path / "multiome.h5ad")], names)
    genes = counts[:, :20]
    expected = np.log1p(1e4 * genes / genes.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found[names], expected, rtol=1e-5)

    scaled = np.round(1e6 * genes / genes.sum(axis=1, keepdims=True))
    index = [f"c{i}" for i in range(30)]
    pd.DataFrame(scaled, index, names).to_csv(tmp_path / "cpm.csv")
    with pytest.raises(InputError, match="add up to"):
        read_expression([str(tmp_path / "cpm.csv")], names)
