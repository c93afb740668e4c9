"""The search for a network that beats the baseline: evidence of binding at promoters joined with TF-agnostic scores.

Settings of a line are chosen on the other lines. All of them stand in benchmarks/results/grn-accuracy-search.tsv, the
figures against the aims in grn-accuracy.tsv, with the networks of the run beside them. Needs the results of
`snakemake --configfile config/scenarios/promoters.yaml -- bench`.
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

AIM_AUPRC, AIM_EARLY = 1.9, 2.3
TABLES = ("dorothea_jaspar.tsv", "dorothea_hocomoco.tsv")
PROMOTERS = {
    "60 bp": "epd_promoters_hg38.txt",
    "300 bp": "epd_promoters_hg38_300bp.fa",
}
DEEP = "li.csv"  # full-length RNA of the same lines
RESOURCES = (*TABLES, *PROMOTERS.values(), DEEP)


@dataclass(frozen=True)
class Setting:
    """A network of the search: which evidence, its weight beside which baseline, with or without prior knowledge."""

    promoters: str
    tables: bool
    weight: float
    baseline: str
    prior: bool

    def __str__(self) -> str:
        parts = [f"{self.promoters} promoters"]
        parts += ["tables"] * self.tables + ["non-ChIP prior"] * self.prior
        return f"{' + '.join(parts)}, x {self.weight:g}, baseline of {self.baseline}"


PLAIN = Setting("60 bp", False, 1, "promoters", False)


def main() -> None:
    """Score the grid, choose, judge; write benchmarks/results/grn-accuracy.tsv and -search.tsv."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = HERE.parent
    parser.add_argument("--results", type=Path, default=root / "results/snareseq")
    parser.add_argument("--resources", type=Path, default=root / "resources")
    given = parser.parse_args()
    data = read_data(given.results, given.resources)
    lines = tuple(data["lines"])
    say(f"{ {line: len(of['truth'].tfs) for line, of in data['lines'].items()} } TFs")

    grid = [
        Setting(*parts)
        for parts in itertools.product(
            PROMOTERS,
            (False, True),
            (1, 2, 4),
            ("promoters", "links", "promoters, deep RNA", "links, deep RNA"),
            (False, True),
        )
    ]
    scored = {setting: score(data, setting) for setting in grid}
    rows = [row(str(s), "all settings", scored[s], lines) for s in grid]

    table = Table("grn-accuracy")
    plain = scored[PLAIN]
    rows.append(report(table, PLAIN, "nothing chosen, all lines", plain, lines))
    chosen = choose(grid, scored, lines)
    for line, best in chosen.items():
        how = f"chosen on the other lines, judged on {line}"
        rows.append(report(table, best, how, scored[best], (line,)))
    judged = pd.concat(of_lines(scored[best], (line,)) for line, best in chosen.items())
    how = "each line by the setting chosen on the others"
    rows.append(report(table, "all of the above", how, judged, lines))

    for name, scores in built_networks(data, given.results).items():
        rows.append(report(table, name, "networks as built, all lines", scores, lines))

    search = pd.DataFrame(rows)
    path = HERE / "results/grn-accuracy-search.tsv"
    search.to_csv(path, sep="\t", index=False, float_format="%.4g")
    say(search.to_string(index=False, justify="left", float_format="%.3g"))
    table.write()


def choose(
    grid: list[Setting], scored: dict[Setting, pd.DataFrame], lines: tuple[str, ...]
) -> dict[str, Setting]:
    """Of each line, the setting of the greatest median AUPRC ratio on the other lines; silent TFs count as 1."""

    def median(setting: Setting, line: str) -> float:
        others = scored[setting].query("line != @line")
        return float(np.median(others["auprc"].fillna(1.0)))

    return {line: max(grid, key=lambda s, of=line: median(s, of)) for line in lines}


def read_data(results: Path, resources: Path) -> dict:
    """Truth, baselines, log odds of binding and non-ChIP prior of the demo's lines."""
    from grnformer.bench.grn_accuracy.baselines import map_promoters, weigh_links
    from grnformer.bench.grn_accuracy.benchmark import split_prior
    from grnformer.bench.grn_accuracy.truth import read_truth
    from grnformer.core import io
    from grnformer.grn.prior import prepare_prior, read_prior
    from grnformer.grn.tfs import read_tf_list

    config = complete({})
    accuracy = config["bench"]["grn_accuracy"]
    rna, atac = (
        io.read_modality(results / "prep/multiome.h5mu", m, "multiome")
        for m in ("rna", "atac")
    )
    genes, types = rna.var_names.tolist(), rna.obs["cell_type"].astype(str).to_numpy()
    tss = io.read_table(results / "prep/tss.parquet", "tss")
    near = {
        "promoters": map_promoters(atac.var, tss, genes, accuracy["promoter_margin"]),
        "links": weigh_links(
            io.read_table(results / "grn/region_gene.parquet", "region_gene"),
            atac.var_names,
            genes,
            accuracy["link_decay"],
        ),
    }
    truth = io.read_json(resources / "tf_chip_targets.json")
    known = set(read_tf_list(resources / "motif_tfs.tsv.gz"))
    deep = read_deep(resources / DEEP, genes)
    wanted = {key: accuracy[key] for key in ("aliases", "min_positives")}
    lines = {}
    for part in accuracy["lines"]:
        cells, line = types == part["cell_type"], part["line"]
        of_line, _ = read_truth(truth, line, genes, known_tfs=known, **wanted)
        open_ = mean_of(atac.X.tocsr()[cells])
        expressed = {"": mean_of(rna.X.tocsr()[cells]), ", deep RNA": deep[line]}
        baselines = {
            name + depth: rank_both(of_genes, open_ @ weights)
            for name, weights in near.items()
            for depth, of_genes in expressed.items()
        }
        lines[line] = {"truth": of_line, "baselines": baselines, "scored": {}} | {
            "cell_type": part["cell_type"]
        }

    sources = config["grn"]["cistromes"]["prior"]["chip_sources"]
    pairs = prepare_prior(
        read_prior(resources / "regulatory_prior.parquet"),
        collections=[],
        chip_sources=sources,
        chip="keep",
    )
    tfs = {tf for line in lines.values() for tf in line["truth"].tfs}
    return {
        "genes": genes,
        "lines": lines,
        "odds": read_odds(resources, genes, tfs, config["grn"]),
        "prior": split_prior(pairs, sources)["prior_without_chip"],
        "prior_log_odds": accuracy["prior_log_odds"],
    }


def read_odds(
    resources: Path, genes: list[str], tfs: set[str], config: dict
) -> dict[tuple[str, bool], pd.DataFrame]:
    """Log odds of binding by length of promoters, with and without tables of targets."""
    from grnformer.genome.collections import read_collections
    from grnformer.genome.occupancy import score_promoters
    from grnformer.genome.promoters import read_promoters
    from grnformer.genome.target_tables import read_target_tables

    settings = config["cistromes"]["promoter"]
    files = [
        [resources / c[k].removeprefix("resource:") for c in settings["collections"]]
        for k in ("motifs", "tfs")
    ]
    motifs = [
        motif._replace(tfs=sorted(tfs & set(motif.tfs)))
        for motif in read_collections(
            *files, background_fraction=settings["background_fraction"]
        )
        if tfs & set(motif.tfs)
    ]
    listed = read_target_tables([resources / name for name in TABLES], genes)
    tables = {False: None, True: listed[listed["tf"].isin(tfs)]}
    scoring = {
        "n_bins": settings["n_bins"],
        "table_log_odds": settings["table_log_odds"],
        "min_log_odds": 0.0,
        "seed": config["seed"],
    }
    odds = {}
    for name, file in PROMOTERS.items():
        promoters = read_promoters(
            resources / file, genes, min_genes=settings["min_genes"]
        )
        for with_tables, pairs in tables.items():
            odds[name, with_tables], _ = score_promoters(
                promoters, motifs, genes, pairs, **scoring
            )
    return odds


def read_deep(path: Path, genes: list[str]) -> dict[str, np.ndarray]:
    """Mean log1p of counts per million of each line, 0 for genes that are not there (Li et al. 2017)."""
    counts = pd.read_csv(path, index_col=0)
    expressed = np.log1p(counts / counts.sum() * 1e6)
    line = expressed.columns.str.split("__").str[1].str.split("_").str[0]
    means = expressed.T.groupby(line).mean().T
    # of genes of one symbol, the one of the highest expression
    by_symbol = means.groupby(means.index).max().reindex(genes, fill_value=0.0)
    return {name: by_symbol[name].to_numpy() for name in by_symbol}


def mean_of(matrix) -> np.ndarray:
    """Mean over rows of a sparse matrix."""
    return np.asarray(matrix.mean(axis=0)).ravel()


def rank_both(expressed: np.ndarray, accessible: np.ndarray) -> np.ndarray:
    """Mean percentile rank of two, as the benchmark's baseline."""
    from scipy.stats import rankdata

    return (rankdata(expressed) + rankdata(accessible)) / (2 * len(expressed))


def score(data: dict, setting: Setting) -> pd.DataFrame:
    """AUPRC and early precision ratios of every TF and line, right TF and wrong TF."""
    from grnformer.bench.grn_accuracy.arms import (
        binding_arm,
        informed_arm,
        weighted_arm,
    )

    odds = data["odds"][setting.promoters, setting.tables]
    evidence = binding_arm("binding", odds, data["genes"])
    if setting.prior:
        known = data["prior"], data["genes"], data["prior_log_odds"]
        evidence = informed_arm("binding and prior", evidence, *known)

    arms = {
        name: weighted_arm(
            "network", evidence, line["baselines"][setting.baseline], setting.weight
        )
        for name, line in data["lines"].items()
    }
    return score_lines(data, arms, setting.baseline)


def built_networks(data: dict, results: Path) -> dict[str, pd.DataFrame]:
    """Scores of the run's networks of cell types: their edges alone, and with the baseline for what has no edge."""
    from grnformer.bench.grn_accuracy.arms import joined_arm, network_arm
    from grnformer.core import io
    from grnformer.core.file_names import file_names

    types = [line["cell_type"] for line in data["lines"].values()]
    files = file_names(
        sorted(path.stem for path in (results / "grn/cell_type").iterdir())
    )
    alone, joined = {}, {}
    for (name, line), cell_type in zip(data["lines"].items(), types, strict=True):
        path = results / f"grn/cell_type/{files[cell_type]}.parquet"
        edges = io.read_table(path, "cell_type_grn")
        alone[name] = network_arm("network", "model", edges, "weight", data["genes"])
        joined[name] = joined_arm(alone[name], line["baselines"]["promoters"])
    return {
        "edges alone": score_lines(data, alone, "promoters"),
        "edges and baseline": score_lines(data, joined, "promoters"),
    }


def score_lines(data: dict, arms: dict, baseline: str) -> pd.DataFrame:
    """A row a TF and line: auprc, early, those of the wrong TF, and those of the named baseline."""
    from grnformer.bench.grn_accuracy.baselines import constant_arm
    from grnformer.bench.grn_accuracy.evaluate import score_arm, wrong_tf_name

    genes = data["genes"]
    parts = []
    for name, line in data["lines"].items():
        if baseline not in line["scored"]:
            constant = constant_arm("baseline", line["baselines"][baseline])
            line["scored"][baseline] = tidy(
                score_arm(constant, line["truth"], genes, name)
            )
        found = tidy(score_arm(arms[name], line["truth"], genes, name))
        of_baseline, arm = line["scored"][baseline], arms[name].name
        part = pd.DataFrame(
            {
                "auprc": found["auprc_ratio", arm],
                "wrong": found["auprc_ratio", wrong_tf_name(arm)],
                "early": found["early_precision_ratio", arm],
                "baseline": of_baseline["auprc_ratio", "baseline"],
                "early_baseline": of_baseline["early_precision_ratio", "baseline"],
            }
        )
        parts.append(part.assign(line=name).reset_index(names="tf"))
    return pd.concat(parts, ignore_index=True)


def tidy(scores: pd.DataFrame) -> pd.DataFrame:
    """TFs x (metric, arm)."""
    of_tfs = scores[scores["unit"] == "tf"].set_index(["member", "metric", "arm"])
    return of_tfs["value"].unstack(["metric", "arm"])  # noqa: PD010


def of_lines(scores: pd.DataFrame, lines: tuple[str, ...]) -> pd.DataFrame:
    """Rows of these lines."""
    return scores[scores["line"].isin(lines)]


def row(what: str, how: str, scores: pd.DataFrame, lines: tuple[str, ...]) -> dict:
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
        "auprc": median["auprc"],
        "baseline": median["baseline"],
        "wrong_tf": median["wrong"],
        "early": median["early"],
        "early_baseline": median["early_baseline"],
    }
    for name in ("baseline", "wrong"):
        both = used[["auprc", name]].to_numpy()
        replicates = bootstrap(both, "median", 2000, 1, used["tf"].to_numpy())
        low, high = interval(replicates[:, 0] - replicates[:, 1])
        less = median["auprc"] - median[name]
        found |= {f"less_{name}": less, f"{name}_low": low, f"{name}_high": high}
    found["beats_baseline"] = (used["auprc"] > used["baseline"]).mean()
    found["beats_wrong"] = (used["auprc"] > used["wrong"]).mean()
    return found


def report(
    table: Table,
    setting: Setting | str,
    how: str,
    scores: pd.DataFrame,
    lines: tuple[str, ...],
) -> dict:
    """As `row`, with its figures against the aims in the table."""
    found = row(str(setting), how, scores, lines)
    label = f"{how} [{setting}; {found['pairs']} pairs]"
    for what, ours, reference in (
        ("AUPRC ratio, median, against the aim", found["auprc"], AIM_AUPRC),
        ("early precision ratio, median, against the aim", found["early"], AIM_EARLY),
        ("AUPRC ratio against the baseline", found["auprc"], found["baseline"]),
        ("less the baseline, low end of 95%, against 0", found["baseline_low"], 0),
        ("AUPRC ratio against the wrong TF", found["auprc"], found["wrong_tf"]),
        ("less the wrong TF, low end of 95%, against 0", found["wrong_low"], 0),
    ):
        table.add_score(f"{label}: {what}", "", ours, reference, 0)
    return found


if __name__ == "__main__":
    main()
