"""The ablation grid: arms by combination, and their comparisons corrected for their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from grnformer.bench.grid import compare_grid, correct, heldout_scores, pairs_of_grid
from grnformer.bench.sc_drug.score import as_rows
from grnformer.core import contracts
from grnformer.core.errors import InputError
from grnformer.report.sections.grid import grid_section
from grnformer.settings.grid import expand_grid
from grnformer.settings.read import check_config, complete
from grnformer.workflow.arms import other_backbones, settings_by_arm
from grnformer.workflow.config import check_models

LISTS: dict[str, Any] = {
    "scales": ["hybrid", "cell", "none"],
    "controls": ["no_edges", "random"],
    "gnns": ["sage", "gat"],
    "perturbations": ["coexpression", "none"],
    "perturbed_fractions": [0.2, 0.05],
    "combine": "one_at_a_time",
}

ARMS_OF_TFS = ("no_edges", "random", "prior")
BACKBONES = {"backbones": ["scgpt", "geneformer"]}


def test_one_at_a_time_varies_the_first_scale_and_its_parameter_match() -> None:
    arms = expand_grid(LISTS, "sage", 0.2, "scgpt")
    assert list(arms) == [
        "hybrid", "hybrid_gat", "hybrid_unperturbed", "hybrid_rate5", "cell", "none", "no_edges", "no_edges_gat",
        "random",
    ]  # fmt: skip
    # what the run has for all is not named: the same model as one written by hand
    plain = {"graph": "hybrid", "adapter": True, "perturbation": "coexpression"}
    assert arms["hybrid"] == plain
    assert arms["hybrid_gat"] == plain | {"gnn": "gat"}
    assert arms["hybrid_rate5"] == plain | {"perturbed_fraction": 0.05}
    assert arms["hybrid_unperturbed"] == plain | {"perturbation": "none"}
    assert arms["none"] == {"graph": "none", "adapter": False, "perturbation": "none"}
    assert arms["no_edges"] == arms["none"] | {"adapter": True}


def test_all_combinations_without_those_that_change_nothing() -> None:
    arms = expand_grid(LISTS | {"combine": "all"}, "gcn", 0.2, "scgpt")
    # with edges: 2 layers x (2 fractions + unperturbed); no_edges: 2 layers; none: 1
    assert len(arms) == 3 * 6 + 2 + 1
    assert len({str(arm) for arm in arms.values()}) == len(arms)
    assert arms["hybrid"]["gnn"] == "sage", "the run's is gcn"
    assert arms["random_gat_rate5"] == {
        "graph": "random", "adapter": True, "perturbation": "coexpression", "gnn": "gat", "perturbed_fraction": 0.05,
    }  # fmt: skip


def test_the_grid_takes_the_place_of_the_arms_and_wants_five_seeds() -> None:
    grid = LISTS | {"scales": ["hybrid"], "controls": []}
    pretrain = {"grid": grid, "seeds": [1, 2, 3, 4, 5]}
    config = complete({"pretrain": pretrain, "embed": {"arm": "hybrid"}})
    check_config(config)
    assert list(config["pretrain"]["arms"])[:2] == ["hybrid", "hybrid_gat"]
    with pytest.raises(InputError, match="seeds"):
        check_config(complete({"pretrain": {"grid": grid}}))
    # its axes would vary nothing
    blind = grid | {"scales": ["none", "hybrid"]}
    with pytest.raises(InputError, match="begin with 'none'"):
        check_config(complete({"pretrain": pretrain | {"grid": blind}}))
    wrong = complete({"pretrain": pretrain | {"grid": grid | {"gnns": ["gru"]}}})
    with pytest.raises(InputError, match="gru"):
        check_config(wrong)


def test_an_arm_changes_its_own_settings_alone() -> None:
    """Plain arms have the very settings of the run, so that no model of theirs is trained anew."""
    pretrain = complete({})["pretrain"]
    pretrain["arms"] = expand_grid(LISTS | BACKBONES, "sage", 0.2, "scgpt")
    found = settings_by_arm(pretrain)
    plain = found["none"]
    assert found["hybrid"] == plain
    assert plain["backbone"] == "scgpt"
    assert plain["size"]["backbone"] == pretrain["sizes"]["tiny"]["backbones"]["scgpt"]
    gat, rate, other = (found[f"hybrid_{of}"] for of in ("gat", "rate5", "geneformer"))
    assert gat["size"]["gnn"] == plain["size"]["gnn"] | {"name": "gat"}
    assert rate == plain | {"perturbed_fraction": 0.05}
    assert other["backbone"] == "geneformer"
    assert other["size"]["backbone"] == pretrain["sizes"]["tiny"]["backbones"]["geneformer"]  # fmt: skip
    assert other["size"]["gnn"] == plain["size"]["gnn"]


def test_every_backbone_has_every_graph_and_is_compared_within_itself() -> None:
    arms = expand_grid(LISTS | BACKBONES, "sage", 0.2, "scgpt")
    plain = expand_grid(LISTS, "sage", 0.2, "scgpt")
    others = {name: arm for name, arm in arms.items() if "backbone" in arm}
    # the same arms as without the axis, and each graph once more
    assert {name: arms[name] for name in plain} == plain
    graphs = ["hybrid", "cell", "none", "no_edges", "random"]
    assert list(others) == [f"{graph}_geneformer" for graph in graphs]
    assert others["hybrid_geneformer"] == plain["hybrid"] | {"backbone": "geneformer"}
    assert len(expand_grid(LISTS | BACKBONES | {"combine": "all"}, "sage", 0.2, "scgpt")) == 2 * 21  # fmt: skip

    pairs = pairs_of_grid(arms)
    assert all((one in others) == (other in others) for _, one, other in pairs)
    assert {pair for pair in pairs if pair[1] == "hybrid_geneformer"} == {
        (question, "hybrid_geneformer", f"{against}_geneformer")
        for question, against in (("no graph", "none"), ("same parameters", "no_edges"), ("control", "random"))
    }  # fmt: skip


def test_a_random_graph_gives_its_part_backbone_by_backbone() -> None:
    """Losses of the two backbones are in other units, and no arm is held against one of the other."""
    arms = expand_grid(LISTS | BACKBONES, "sage", 0.2, "scgpt")
    values = make_losses(none=0.5, no_edges=0.5, random=0.4, hybrid=0.3, cell=0.5)
    genes = make_losses(none=5, no_edges=5, random=4.25, hybrid=4, cell=5)
    genes = genes.assign(arm=genes["arm"] + "_geneformer", metric="masked_gene_loss")
    table = compare_grid(pd.concat([values, genes]), arms, 100, 1, "scgpt")
    contracts.check(table, "grid", where="grid")
    assert table["metric"].groupby(table["backbone"]).unique().map(list).to_dict() == {
        "scgpt": ["masked_value_loss"], "geneformer": ["masked_gene_loss"],
    }  # fmt: skip
    parts = table.set_index("arm")["random_fraction"].dropna()
    assert parts["hybrid"] == pytest.approx(0.5, abs=0.02)
    assert parts["hybrid_geneformer"] == pytest.approx(0.75, abs=0.02)
    # one correction for all
    assert table["p_holm"].to_numpy() == pytest.approx(correct(table["p_value"].to_numpy()))  # fmt: skip
    said = [block.text for block in grid_section(table).blocks if hasattr(block, "text")]  # fmt: skip
    assert any("geneformer, heldout_loss" in text for text in said)


def test_files_of_one_backbone_are_no_files_of_two() -> None:
    config = complete({"pretrain": {"grid": LISTS | BACKBONES, "seeds": [1, 2, 3, 4, 5]}})  # fmt: skip
    check_config(config)
    check_models(config, {})
    assert other_backbones(config["pretrain"]) == ["geneformer"]
    config["pretrain"]["medians"] = "medians.pkl"
    with pytest.raises(InputError, match="arms with the backbone geneformer"):  # fmt: skip
        check_models(config, {})


def test_arms_are_compared_with_their_like() -> None:
    pairs = pairs_of_grid(expand_grid(LISTS, "sage", 0.2, "scgpt"))
    assert {pair for pair in pairs if pair[1] == "hybrid_gat"} == {
        ("no graph", "hybrid_gat", "none"),
        ("same parameters", "hybrid_gat", "no_edges_gat"),
        ("gnn", "hybrid_gat", "hybrid"),
    }
    assert {pair for pair in pairs if pair[1] == "hybrid"} == {
        ("no graph", "hybrid", "none"),
        ("same parameters", "hybrid", "no_edges"),
        ("control", "hybrid", "random"),
    }
    assert ("perturbation", "hybrid_unperturbed", "hybrid") in pairs
    assert ("perturbed_fraction", "hybrid_rate5", "hybrid") in pairs


def test_a_graph_with_knowledge_has_controls_of_its_own() -> None:
    """Each with the parameters of its graph; those of the TF network stay with its graphs."""
    scales = ["knowledge", "hybrid_knowledge", "hybrid", "none"]
    lists = LISTS | {"scales": scales, "controls": ["no_edges", "random", "prior"]}
    arms = expand_grid(lists, "sage", 0.2, "scgpt")
    assert arms["knowledge_no_edges"] == {
        "graph": "knowledge_none", "adapter": True, "perturbation": "none",
    }  # fmt: skip
    assert arms["hybrid_knowledge_random"]["perturbation"] == "coexpression"
    assert not any("knowledge" in name and "prior" in name for name in arms)

    pairs = pairs_of_grid(arms)
    for graph, other in (("knowledge", "knowledge_"), ("hybrid", "")):
        assert {
            (question, against) for question, arm, against in pairs if arm == graph
        } >= {
            ("no graph", "none"),
            ("same parameters", f"{other}no_edges"),
            ("control", f"{other}random"),
        }
    assert {against for question, arm, against in pairs if arm == "hybrid"} == {
        "none", "no_edges", "random", "prior",
    }  # fmt: skip
    # the layers of the first scale are compared with no edges of the same layer
    assert ("same parameters", "knowledge_gat", "knowledge_no_edges_gat") in pairs

    alone = expand_grid(lists | {"scales": ["knowledge"]}, "sage", 0.2, "scgpt")
    assert set(ARMS_OF_TFS).isdisjoint(alone)


def make_losses(**of_arm: float) -> pd.DataFrame:
    """Held-out losses of five seeds, which shift all arms alike, with a little noise."""
    rng = np.random.default_rng(0)
    seeds = rng.normal(size=5)
    unit = {"loss_unit": "squared SD", "n": 100}
    return heldout_scores(
        {"arm": arm, "seed": seed, "loss": 3 + shift + loss + rng.normal(0, 0.001), **unit}
        for arm, loss in of_arm.items()
        for seed, shift in enumerate(seeds)
    )  # fmt: skip


def test_a_planted_gain_and_what_of_it_a_random_graph_gives() -> None:
    arms = expand_grid(LISTS, "sage", 0.2, "scgpt")
    scores = make_losses(none=0.5, no_edges=0.5, random=0.4, hybrid=0.3, cell=0.5)
    contracts.check(scores, "scores", where="scores")
    table = compare_grid(scores, arms, 100, 1, "scgpt")
    contracts.check(table, "grid", where="grid")
    table = table.set_index(["question", "arm"])
    gain = table.loc[[("no graph", "hybrid")]].iloc[0]
    assert gain["difference"] == pytest.approx(0.2, abs=0.005)
    assert gain["random_fraction"] == pytest.approx(0.5, abs=0.02)
    assert gain["outcome"] == "better"
    same = table.loc[[("no graph", "cell")]].iloc[0]
    assert same["outcome"] == "no difference shown"
    assert np.isnan(same["random_fraction"]), "of no gain"
    assert (table["p_holm"] >= table["p_value"]).all()


def test_a_gain_in_one_dataset_of_a_corpus_is_seen_there() -> None:
    """In the whole corpus, of which it is a tenth, the other dataset's noise hides it."""
    rng = np.random.default_rng(0)
    unit = {"loss_unit": "squared SD"}

    def model(arm: str, seed: int) -> dict[str, Any]:
        deep = 0.6 - 0.1 * (arm == "hybrid") + rng.normal(0, 0.001)
        shallow = 0.9 + rng.normal(0, 0.3)
        parts = {"deep": {"loss": deep, "n": 10, **unit}, "shallow": {"loss": shallow, "n": 90, **unit}}  # fmt: skip
        whole = {"loss": 0.1 * deep + 0.9 * shallow, "n": 100, **unit}
        return {"arm": arm, "seed": seed, "datasets": parts} | whole

    models = [model(arm, seed) for arm in ("none", "hybrid") for seed in range(5)]
    arms = expand_grid(LISTS, "sage", 0.2, "scgpt")
    found = compare_grid(heldout_scores(models), arms, 100, 1, "scgpt")
    found = found.set_index("task")["outcome"]
    assert found["masked tokens of deep"] == "better"
    assert found["masked tokens"] == "no difference shown"

    # A corpus of one dataset is that dataset.
    model_of_one = {"arm": "none", "seed": 1, "loss": 1, "n": 1, **unit}
    alone = model_of_one | {"datasets": {"deep": model_of_one}}
    assert len(heldout_scores([alone])) == 1


def test_p_values_are_corrected_by_holm() -> None:
    """The k-th smallest of m times m - k + 1, never below a smaller one; what is undefined is not counted."""
    p_values = np.array([0.04, np.nan, 0.01, 0.02, 0.5])
    expected = [0.08, np.nan, 0.04, 0.06, 0.5]
    assert correct(p_values) == pytest.approx(expected, nan_ok=True)
    assert np.isnan(correct(np.array([np.nan]))).all()


def test_resamples_are_no_members_of_a_test() -> None:
    """One in ten lies on the other side of 0: a signed-rank test of 200 members would be sure of the gain."""
    gains = np.r_[0.1, np.where(np.arange(200) % 10, 0.1, -0.1)]
    scores = pd.concat(
        as_rows("sc_drug_lines", "line", arm, "model", "lines_double_centred_pearson", "resample", values, 6)
        for arm, values in (("none", np.full(201, 0.3)), ("hybrid", 0.3 + gains))
    )  # fmt: skip
    arms = expand_grid(LISTS, "sage", 0.2, "scgpt")
    (row,) = compare_grid(scores, arms, 100, 1, "scgpt").to_dict("records")
    assert row["p_value"] == pytest.approx(2 * 21 / 201)
    assert row["outcome"] == "no difference shown"
    few = scores[scores["member"].isin(["all", *map(str, range(50))])]
    assert compare_grid(few, arms, 100, 1, "scgpt")["outcome"].tolist() == [
        "too few members"
    ]


def test_the_report_says_it_in_words() -> None:
    arms = expand_grid(LISTS, "sage", 0.2, "scgpt")
    scores = make_losses(
        none=0.5, no_edges=0.5, random=0.4, hybrid=0.3, hybrid_gat=0.3, cell=0.5
    )
    section = grid_section(compare_grid(scores, arms, 100, 1, "scgpt"))
    note = section.blocks[1]
    assert "masked tokens: hybrid, hybrid_gat beat no graph, the same" in note.text
    assert "Of the gain of hybrid over no graph a random graph gives 50%." in note.items
    assert any("hybrid_gat does not beat hybrid" in item for item in note.items)


def test_two_seeds_are_too_few() -> None:
    scores = make_losses(none=0.5, hybrid=0.3)
    few = scores[scores["member"].isin(["0", "1"])]
    table = compare_grid(few, expand_grid(LISTS, "sage", 0.2, "scgpt"), 100, 1, "scgpt")
    assert table["outcome"].tolist() == ["too few members"]
