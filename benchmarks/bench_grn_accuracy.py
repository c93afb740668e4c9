"""The search for a network that beats the baseline: TF-specific evidence joined with TF-agnostic scores.

Settings are chosen on one set of cell lines and judged on the others, both ways; all of them stand in
benchmarks/results/grn-accuracy-search.tsv. Needs the results of `snakemake --configfile config/scenarios/binding.yaml`.
"""

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from harness import HERE
from table import Table, say

from grnformer.settings.read import complete

CHOICES = [(("K562",), ("GM12878", "H1")), (("GM12878", "H1"), ("K562",))]
AIM_AUPRC, AIM_EARLY = 1.65, 2.0


@dataclass(frozen=True)
class Setting:
    """A network of the search: which motifs, how joined with which baseline, with or without prior knowledge."""

    motifs: str
    # `ranks`: mean of ranks; or the weight of the log odds beside the baseline's
    join: str
    baseline: str
    prior: bool

    def __str__(self) -> str:
        join = "ranks" if self.join == "ranks" else f"log odds x {self.join}"
        return f"{self.motifs}, {join}, baseline of {self.baseline}" + (
            ", non-ChIP prior" if self.prior else ""
        )


def main() -> None:
    """Score the grid, choose, judge; write benchmarks/results/grn-accuracy.tsv and -search.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--results",
        type=Path,
        default=HERE.parent / "results/snareseq",
        help="results of the dataset",
    )
    parser.add_argument(
        "--resources",
        type=Path,
        default=HERE.parent / "resources",
        help="fetched resources",
    )
    given = parser.parse_args()
    data = read_data(given.results, given.resources)
    say(f"{ {line: len(of['truth'].tfs) for line, of in data['lines'].items()} } TFs")
    grid = [
        Setting(*parts)
        for parts in itertools.product(
            data["odds"],
            ("ranks", "1", "2", "4"),
            ("promoters", "links"),
            (False, True),
        )
    ]
    scored = {setting: score(data, setting) for setting in grid}
    rows = [
        row(str(s), "all settings, all lines", data, scored[s], tuple(data["lines"]))
        for s in grid
    ]
    table = Table("grn-accuracy")
    plain = Setting("both collections", "1", "promoters", False)
    rows.append(
        report(
            table,
            plain,
            "nothing chosen (weight 1), all lines",
            data,
            scored[plain],
            tuple(data["lines"]),
        )
    )
    for best, chosen_on, judged_on in choose(grid, scored):
        label = (
            f"chosen on {' and '.join(chosen_on)}, judged on {' and '.join(judged_on)}"
        )
        rows.append(report(table, best, label, data, scored[best], judged_on))
        rows.append(
            row(
                str(best),
                f"the same on {' and '.join(chosen_on)} (chosen there)",
                data,
                scored[best],
                chosen_on,
            )
        )
    label = "each line by the setting chosen on the others"
    rows.append(
        report(
            table,
            "both of the above",
            label,
            data,
            judge(grid, scored),
            tuple(data["lines"]),
        )
    )
    for name, pairs in data["stricter"].items():
        again = scored | {
            setting: score({**data, "prior": pairs}, setting)
            for setting in grid
            if setting.prior
        }
        rows.append(
            report(
                table,
                f"prior {name}",
                label,
                data,
                judge(grid, again),
                tuple(data["lines"]),
            )
        )
    trained = score_trained(data)
    label = "secondary: logistic regression trained on ChIP of the other lines and other TFs"
    rows.append(row(label, "all lines", data, trained, tuple(data["lines"])))
    search = pd.DataFrame(rows)
    search.to_csv(
        HERE / "results/grn-accuracy-search.tsv",
        sep="\t",
        index=False,
        float_format="%.4g",
    )
    say(search.to_string(index=False, justify="left", float_format="%.3g"))
    table.write()


def choose(grid: list[Setting], scored: dict) -> list[tuple[Setting, tuple, tuple]]:
    """The best setting on some lines, these lines, and the lines it is judged on; both ways."""
    return [
        (
            max(
                grid,
                key=lambda s, on=on: np.median(
                    of_lines(scored[s], on)["auprc"].fillna(1.0)
                ),
            ),
            on,
            judged_on,
        )
        for on, judged_on in CHOICES
    ]


def judge(grid: list[Setting], scored: dict) -> pd.DataFrame:
    """Scores of each line by the setting chosen on the others."""
    return pd.concat(
        [
            of_lines(scored[best], judged_on)
            for best, _, judged_on in choose(grid, scored)
        ]
    )


def read_data(results: Path, resources: Path) -> dict:
    """Truth, baselines, log odds of binding and non-ChIP prior of the demo's lines."""
    from grnformer.bench.grn_accuracy.baselines import (
        accessibility_expression,
        map_promoters,
        weigh_links,
    )
    from grnformer.bench.grn_accuracy.benchmark import split_prior
    from grnformer.bench.grn_accuracy.truth import read_truth
    from grnformer.core import io
    from grnformer.genome.collections import read_collections
    from grnformer.genome.occupancy import score_promoters
    from grnformer.genome.promoters import read_promoters
    from grnformer.grn.prior import prepare_prior, read_prior
    from grnformer.grn.tfs import read_tf_list

    config = complete({})
    accuracy, binding = (
        config["bench"]["grn_accuracy"],
        config["grn"]["cistromes"]["promoter"],
    )
    rna, atac = (
        io.read_modality(results / "prep/multiome.h5mu", m, "multiome")
        for m in ("rna", "atac")
    )
    genes, types = rna.var_names.tolist(), rna.obs["cell_type"].astype(str).to_numpy()
    expression, accessibility = rna.X.tocsr(), atac.X.tocsr()
    promoter_of = map_promoters(
        atac.var,
        io.read_table(results / "prep/tss.parquet", "tss"),
        genes,
        accuracy["promoter_margin"],
    )
    links = io.read_table(results / "grn/region_gene.parquet", "region_gene")
    link_of = weigh_links(links, atac.var_names, genes, accuracy["link_decay"])
    truth, known = (
        io.read_json(resources / "tf_chip_targets.json"),
        set(read_tf_list(resources / "motif_tfs.tsv.gz")),
    )
    lines = {}
    for part in accuracy["lines"]:
        cells = np.flatnonzero(types == part["cell_type"])
        wanted = {key: accuracy[key] for key in ("aliases", "min_positives")}
        of_line, _ = read_truth(truth, part["line"], genes, known_tfs=known, **wanted)
        mean_expression, mean_access = (
            np.asarray(m[cells].mean(axis=0)).ravel()
            for m in (expression, accessibility)
        )
        lines[part["line"]] = {
            "truth": of_line,
            "scored": {},
            "expression": mean_expression,
            "access": mean_access @ promoter_of,
            "promoters": accessibility_expression(
                expression[cells], accessibility[cells], promoter_of
            ),
            "links": accessibility_expression(
                expression[cells], accessibility[cells], link_of
            ),
        }
    tfs = {tf for line in lines.values() for tf in line["truth"].tfs}
    promoters = read_promoters(
        resources / "epd_promoters_hg38.txt", genes, min_genes=binding["min_genes"]
    )
    files = [
        tuple(resources / c[k].removeprefix("resource:") for k in ("motifs", "tfs"))
        for c in binding["collections"]
    ]
    odds = {}
    for name, kept in {
        "JASPAR and CIS-BP": files[:1],
        "HOMER's": files[1:],
        "both collections": files,
    }.items():
        motifs = read_collections(
            *zip(*kept, strict=True), background_fraction=binding["background_fraction"]
        )
        motifs = [
            motif._replace(tfs=sorted(tfs & set(motif.tfs)))
            for motif in motifs
            if tfs & set(motif.tfs)
        ]
        settings = {
            "n_bins": binding["n_bins"],
            "min_log_odds": 0.0,
            "seed": config["grn"]["seed"],
        }
        odds[name], _ = score_promoters(promoters, motifs, genes, **settings)
    sources = config["grn"]["cistromes"]["prior"]["chip_sources"]
    pairs = prepare_prior(
        read_prior(resources / "regulatory_prior.parquet"),
        collections=[],
        chip_sources=sources,
        chip="keep",
    )
    prior = split_prior(pairs, sources)["prior_without_chip"]
    stricter = {"of pairs that no ChIP source lists": pairs[~pairs["chip"]]}
    return {
        "genes": genes, "lines": lines, "odds": odds, "prior": prior, "stricter": stricter,
        "prior_log_odds": accuracy["prior_log_odds"],
    }  # fmt: skip


def score(data: dict, setting: Setting) -> pd.DataFrame:
    """AUPRC and early precision ratios of every TF and line, right TF and wrong TF."""
    from grnformer.bench.grn_accuracy.arms import (
        Arm,
        binding_arm,
        informed_arm,
        joined_arm,
        weighted_arm,
    )

    evidence = binding_arm("binding", data["odds"][setting.motifs], data["genes"])
    if setting.prior:
        evidence = informed_arm(
            "binding and prior",
            evidence,
            data["prior"],
            data["genes"],
            data["prior_log_odds"],
        )

    def join(line: dict) -> Arm:
        baseline = line[setting.baseline]
        if setting.join == "ranks":
            return joined_arm(evidence, baseline)
        return weighted_arm("network", evidence, baseline, float(setting.join))

    return score_lines(
        data,
        {name: join(line) for name, line in data["lines"].items()},
        setting.baseline,
    )


def score_lines(data: dict, arms: dict, baseline: str) -> pd.DataFrame:
    """A row a TF and line: auprc, early, those of the wrong TF, and those of the named baseline."""
    from grnformer.bench.grn_accuracy.baselines import constant_arm
    from grnformer.bench.grn_accuracy.evaluate import score_arm, wrong_tf_name

    parts = []
    for name, line in data["lines"].items():
        if baseline not in line["scored"]:
            scores = score_arm(
                constant_arm("baseline", line[baseline]),
                line["truth"],
                data["genes"],
                name,
            )
            line["scored"][baseline] = tidy(scores)
        found = tidy(score_arm(arms[name], line["truth"], data["genes"], name))
        arm = arms[name].name
        columns = {"auprc": arm, "wrong": wrong_tf_name(arm)}
        part = pd.DataFrame({c: found[("auprc_ratio", a)] for c, a in columns.items()})
        part["early"], part["early_wrong"] = (
            found[("early_precision_ratio", a)] for a in columns.values()
        )
        part["baseline"] = line["scored"][baseline][("auprc_ratio", "baseline")]
        part["early_baseline"] = line["scored"][baseline][
            ("early_precision_ratio", "baseline")
        ]
        parts.append(part.assign(line=name).reset_index(names="tf"))
    return pd.concat(parts, ignore_index=True)


def tidy(scores: pd.DataFrame) -> pd.DataFrame:
    """TFs x (metric, arm)."""
    of_tfs = scores[scores["unit"] == "tf"].set_index(["member", "metric", "arm"])
    return of_tfs["value"].unstack(["metric", "arm"])  # noqa: PD010


def of_lines(scores: pd.DataFrame, lines: tuple) -> pd.DataFrame:
    """Rows of these lines."""
    return scores[scores["line"].isin(lines)]


def row(what: str, how: str, data: dict, scores: pd.DataFrame, lines: tuple) -> dict:
    """One line of the search's table: medians over TF x line pairs, differences with intervals over TFs."""
    from grnformer.bench.intervals import bootstrap, interval

    part = of_lines(scores, lines)
    used = part.dropna(subset=["auprc"])
    median = used.median(numeric_only=True)
    found = {
        "evidence": what,
        "how": how,
        "lines": " ".join(lines),
        "pairs": len(used),
        "silent": len(part) - len(used),
    }
    found |= {
        "auprc": median["auprc"],
        "baseline": median["baseline"],
        "wrong_tf": median["wrong"],
    }
    found |= {"early": median["early"], "early_baseline": median["early_baseline"]}
    for name in ("baseline", "wrong"):
        both = used[["auprc", name]].to_numpy()
        replicates = bootstrap(both, "median", 2000, 1, used["tf"].to_numpy())
        low, high = interval(replicates[:, 0] - replicates[:, 1])
        found |= {
            f"less_{name}": median["auprc"] - median[name],
            f"{name}_low": low,
            f"{name}_high": high,
        }
    found["beats_baseline"] = (used["auprc"] > used["baseline"]).mean()
    found["beats_wrong"] = (used["auprc"] > used["wrong"]).mean()
    return found


def report(
    table: Table,
    setting: Setting | str,
    how: str,
    data: dict,
    scores: pd.DataFrame,
    lines: tuple,
) -> dict:
    """As `row`, with its figures against the aims in the table."""
    found = row(str(setting), how, data, scores, lines)
    label = f"{how} [{setting}; {found['pairs']} pairs]"
    table.add_score(
        f"{label}: AUPRC ratio, median, against the aim",
        "",
        found["auprc"],
        AIM_AUPRC,
        0,
    )
    table.add_score(
        f"{label}: early precision ratio, median, against the aim",
        "",
        found["early"],
        AIM_EARLY,
        0,
    )
    table.add_score(
        f"{label}: AUPRC ratio against the baseline",
        "",
        found["auprc"],
        found["baseline"],
        0,
    )
    table.add_score(
        f"{label}: less the baseline, low end of 95%, against 0",
        "",
        found["baseline_low"],
        0,
        0,
    )
    table.add_score(
        f"{label}: AUPRC ratio against the wrong TF",
        "",
        found["auprc"],
        found["wrong_tf"],
        0,
    )
    table.add_score(
        f"{label}: less the wrong TF, low end of 95%, against 0",
        "",
        found["wrong_low"],
        0,
        0,
    )
    return found


def score_trained(data: dict) -> pd.DataFrame:
    """Logistic regression on five features; of each line, fitted to the other lines' TFs that the line lacks."""
    from scipy.stats import rankdata
    from sklearn.linear_model import LogisticRegression

    from grnformer.bench.grn_accuracy.arms import Arm, binding_arm

    known = {
        tf: set(part["gene"]) for tf, part in data["prior"].groupby("tf", observed=True)
    }
    bound = binding_arm("binding", data["odds"]["both collections"], data["genes"])

    def features(line: dict, tf: str) -> np.ndarray | None:
        odds = bound.score(tf)
        if odds is None:
            return None
        ranks = [
            (rankdata(line[name]) - 0.5) / len(odds)
            for name in ("expression", "access", "links")
        ]
        prior = [gene in known.get(tf, ()) for gene in data["genes"]]
        return np.column_stack([*(np.log(r / (1 - r)) for r in ranks), odds, prior])

    def fit(judged: str) -> Arm:
        rows = [
            (features(line, tf), target)
            for name, line in data["lines"].items() if name != judged
            for tf, target in zip(line["truth"].tfs, line["truth"].targets, strict=True)
            if tf not in data["lines"][judged]["truth"].tfs
        ]  # fmt: skip
        rows = [(x, y) for x, y in rows if x is not None]
        x, y = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        model = LogisticRegression().fit(x, y)
        say(
            f"{judged}: {len(rows)} TFs trained on, coefficients {np.round(model.coef_[0], 2).tolist()}"
        )

        def predict(tf: str) -> np.ndarray | None:
            of_tf = features(data["lines"][judged], tf)
            return None if of_tf is None else model.decision_function(of_tf)

        return Arm("trained", "reference", predict)

    return score_lines(data, {name: fit(name) for name in data["lines"]}, "links")


if __name__ == "__main__":
    main()
