import numpy as np
import pandas as pd
import pytest

from grnformer.bench.grn_accuracy.benchmark import score_networks, split_prior
from grnformer.bench.summary import summarise_scores
from grnformer.core import contracts
from grnformer.core.errors import InputError

TFS = {"TF1", "TF2", "TF3", "TF4"}
LINES = {"type a": "A", "type b": "B"}


def run(
    planted,
    networks=None,
    content=None,
    known_tfs=TFS,
    lines=LINES,
    binding=None,
    priors=None,
    links=None,
    others=None,
    **settings,
):
    networks = planted.networks if networks is None else networks
    tf_gene = planted.networks["type a"].rename(columns={"weight": "importance"})
    scores, experiments = score_networks(
        planted.rna,
        planted.atac,
        planted.tss,
        networks,
        tf_gene,
        priors or {},
        binding,
        links,
        planted.content if content is None else content,
        known_tfs,
        lines,
        planted.settings | settings,
        seed=1,
        others=others,
    )
    contracts.check(scores, "scores", where="test")
    contracts.check(experiments, "grn_truth", where="test")
    return scores, experiments


def median(scores, arm, metric="auprc_ratio", task="all"):
    rows = scores[
        (scores["arm"] == arm) & (scores["metric"] == metric) & (scores["task"] == task)
    ]
    return rows["value"].median()


def test_planted_network_beats_random_baseline_and_wrong_tfs(planted):
    scores, _ = run(planted)
    assert median(scores, "eregulon") > 5
    assert median(scores, "eregulon", "early_precision_ratio") > 5
    for arm in ("random", "eregulon (wrong TF)", "accessibility_expression", "pearson"):
        assert median(scores, arm) < 1.6
    assert median(scores, "eregulon", "auprc_ratio_over_wrong_tf") > 4
    assert median(scores, "eregulon", "pooled_auprc_ratio") > 5
    summary = summarise_scores(scores, n_resamples=200, seed=1).set_index(
        ["task", "metric", "arm"]
    )
    assert summary.loc[("all", "auprc_ratio", "eregulon"), "above_baseline_low"] > 3


def test_binding_beats_the_baseline_and_wrong_tfs(planted):
    """Log odds of a TF's targets in both lines; a TF without motif is a failure, not a random ranking."""
    rng = np.random.default_rng(2)
    odds = rng.normal(0, 1, (len(planted.genes), 3))
    for number, tf in enumerate(sorted(TFS)[:3]):
        targets = {
            gene for line in LINES.values() for gene in planted.targets[line][tf]
        }
        odds[[gene in targets for gene in planted.genes], number] += 2
    binding = pd.DataFrame(odds, columns=sorted(TFS)[:3]).assign(gene=planted.genes)
    prior = pd.DataFrame(
        [(tf, g) for tf in sorted(TFS) for g in planted.targets["A"][tf][:20]],
        columns=["tf", "gene"],
    )
    links = pd.DataFrame(
        {
            "region": [f"r{i}" for i in range(400)],
            "gene": planted.genes,
            "distance": -250,
        }
    )
    priors = {"prior_without_chip": prior.assign(n_sources=1)}
    scores, _ = run(planted, binding=binding, priors=priors, links=links)
    summary = summarise_scores(scores, n_resamples=200, seed=1).set_index(
        ["task", "metric", "arm"]
    )
    for arm in ("binding", "binding_with_baseline"):
        row = summary.loc[("all", "auprc_ratio", arm)]
        assert row["estimate"] > 2 > 1.3 > median(scores, f"{arm} (wrong TF)")
        assert row["above_baseline_low"] > 0.5
        assert (row["members"], row["failed"]) == (6, 2)
    best, baseline = (
        "binding_prior_with_linked_baseline",
        "linked_accessibility_expression",
    )
    assert median(scores, best) > median(scores, "binding_with_baseline") + 0.1
    # each gene has one region here, at its promoter: both baselines rank alike
    assert median(scores, baseline) == pytest.approx(
        median(scores, "accessibility_expression")
    )
    plain, _ = run(planted)
    assert not plain["arm"].str.startswith("binding").any()


def test_a_network_of_other_names_is_refused(planted):
    edges = planted.networks["type a"][["tf", "gene", "weight"]]
    scores, _ = run(planted, others={"tool": edges})
    arms = scores[scores["metric"] == "auprc_ratio"].set_index("arm")["value"]
    assert arms["network_tool"].median() > 2
    for column, ids in (("tf", "ENSG1"), ("gene", "ENSG2")):
        other = edges.assign(**{column: ids})
        with pytest.raises(InputError, match=f"tool .*{ids}"):
            run(planted, others={"tool": other})


def test_a_tf_in_two_lines_is_one_cluster(planted):
    scores, _ = run(planted)
    pooled = scores[(scores["task"] == "all") & (scores["unit"] == "tf")]
    assert (pooled["member"].str.split(" in ").str[0] == pooled["cluster"]).all()
    assert scores.loc[scores["task"] != "all", "cluster"].isna().all()


def test_shuffled_network_does_not(planted):
    rng = np.random.default_rng(1)
    shuffled = {
        name: edges.assign(gene=rng.choice(planted.genes[4:], len(edges)))
        for name, edges in planted.networks.items()
    }
    scores, _ = run(planted, shuffled)
    assert 0.7 < median(scores, "eregulon") < 1.5
    assert abs(median(scores, "eregulon", "auprc_ratio_over_wrong_tf")) < 0.4


def test_truth_of_another_line_is_never_used(planted):
    swapped = dict(
        zip(planted.networks, reversed(planted.networks.values()), strict=True)
    )
    assert median(run(planted, swapped)[0], "eregulon") < 1.6
    scores, _ = run(planted)
    without_b = {
        key: value for key, value in planted.content.items() if key.endswith(" A")
    } | {"TF1 XA": ["G1"] * 20}
    alone, experiments = run(planted, content=without_b, lines={"type a": "A"})
    assert set(experiments["line"]) == {"A"}
    pd.testing.assert_frame_equal(
        alone[alone["task"] == "type a"].reset_index(drop=True),
        scores[scores["task"] == "type a"].reset_index(drop=True),
    )


def test_own_gene_of_the_tf_does_not_count(planted):
    extra = {
        name: pd.concat(
            [
                edges,
                pd.DataFrame(
                    {
                        "tf": sorted(TFS),
                        "gene": sorted(TFS),
                        "weight": 1e6,
                        "evidence": "x",
                    }
                ),
            ]
        )
        for name, edges in planted.networks.items()
    }
    expected, experiments = run(planted)
    found, _ = run(planted, extra)
    columns = ["task", "arm", "metric", "member", "value"]
    for metric in ("auprc_ratio", "early_precision_ratio"):
        rows = [
            t[(t["arm"] == "eregulon") & (t["metric"] == metric)][columns]
            for t in (found, expected)
        ]
        pd.testing.assert_frame_equal(*rows)
    assert (experiments["positives"] == 40).all()
    assert (expected.query("metric == 'auprc_ratio'")["n"] == 399).all()


def test_a_silent_network_fails_and_is_not_random(planted):
    silent = {
        name: edges[edges["tf"] != "TF2"] for name, edges in planted.networks.items()
    }
    scores, _ = run(planted, silent)
    rows = scores[
        (scores["arm"] == "eregulon")
        & (scores["metric"] == "auprc_ratio")
        & (scores["task"] == "type a")
    ]
    assert rows[rows["value"].isna()]["member"].tolist() == ["TF2"]
    assert median(scores, "eregulon", "pooled_auprc_ratio") < median(
        run(planted)[0], "eregulon", "pooled_auprc_ratio"
    )


def test_edges_with_chip_evidence_alone_stand_apart(planted):
    networks = {name: edges.copy() for name, edges in planted.networks.items()}
    for edges in networks.values():
        edges["evidence"] = np.where(
            edges["tf"] == "TF1", "chip:ReMap", "prior:TRRUST|chip:ReMap"
        )
    scores, _ = run(planted, networks)
    rows = scores.query(
        "arm == 'eregulon_without_chip' and metric == 'auprc_ratio' and task == 'type a'"
    )
    assert rows[rows["value"].isna()]["member"].tolist() == ["TF1"]
    assert median(scores, "eregulon_without_chip") == median(scores, "eregulon") > 5


def test_experiments_are_told_apart(planted):
    content = planted.content | {
        "POL2 A": planted.genes[:50],
        "TF5 A": ["G1", "G2"],
        "OLD1 A": planted.genes[50:80],
    }
    _, experiments = run(
        planted,
        content=content,
        known_tfs=TFS | {"TF5", "NEW1"},
        aliases={"OLD1": "NEW1"},
    )
    fate = experiments.query("line == 'A'").set_index("experiment")["fate"]
    assert fate["POL2"] == "no known TF"
    assert fate["TF5"] == "fewer than 10 targets"
    assert fate["OLD1"] == "used"


def test_wrong_lines_are_refused(planted):
    with pytest.raises(InputError, match="lines there: A, B"):
        run(planted, lines={"type a": "HELA"})
    with pytest.raises(InputError, match="cell type 'typo'"):
        run(planted, lines={"typo": "A"})


def test_prior_without_chip_leaves_chip_out_of_pairs_and_counts():
    pairs = pd.DataFrame(
        {
            "tf": ["A", "A", "B"],
            "gene": ["x", "y", "z"],
            "sources": ["DoRothEA;ReMap_DoRothEA", "ReMap_DoRothEA;TRRUST", "TRRUST"],
        }
    )
    arms = split_prior(pairs, ["ReMap_DoRothEA"])
    assert arms["prior_without_chip"].to_numpy().tolist() == [
        ["A", "y", 1],
        ["B", "z", 1],
    ]
    assert arms["prior_with_chip"]["n_sources"].tolist() == [1, 2, 1]
