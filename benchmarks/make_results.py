"""docs/results.md and the tables in other pages, from benchmarks/results/*.tsv (`make results-page`).

``--from RESULTS --of RUN`` first copies the tables of a run (`make results` runs it): ``benchmarks/results/page.yaml``
says which, and holds what no table can say: questions, commands, aims, and facts without a table.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grnformer.bench.controls import rewired_name  # noqa: E402
from grnformer.bench.intervals import Estimate  # noqa: E402
from grnformer.bench.metrics import METRICS, primary_metric  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
MOST_ROWS = 19
NOT_MEASURED = "not measured"
Section = dict[str, Any]
#: columns of a run's metrics.tsv, as a summary calls them
AS_SUMMARY = {"task": "benchmark", "split": "task", "value": "estimate"}
SAID = {
    "better": "beats it",
    "worse": "worse",
    "no difference shown": "does not beat it",
    "too few members": "cannot be judged",
    "not comparable": "cannot be judged",
}
NOT_BETTER = {
    SAID["worse"]: "worse than",
    SAID["no difference shown"]: "no gain shown over",
    SAID["too few members"]: "cannot be judged against",
}
BLOCK = re.compile(
    r"(<!-- made by `make results-page`: (?P<what>[^\n]+) -->\n).*?(<!-- end -->)",
    re.S,
)
HEAD = """# Results

`make results-page` writes this page from the tables in `benchmarks/results`, and `make results` measures those of the
benchmarks anew (hours). Do not edit it: what has no table stands in `benchmarks/results/page.yaml`.

Square brackets are 95% intervals. The best baseline and the best arm are chosen by these very scores, which flatters
both a little. *Beats*: the interval of the paired difference lies above 0. Round brackets behind an arm's score hold
that of its control: the rewired graph, other TFs, permuted values.
"""


def main() -> None:
    """Copy the tables of a run, if one is named; write every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="run", help="folder of results of a run")
    parser.add_argument("--of", help="which tables it has, a `run` of page.yaml")
    options = parser.parse_args()

    page = read_page()
    if options.run:
        copy_tables(Path(options.run), page["runs"][options.of])
    for path, text in make_pages(page).items():
        path.write_text(text, encoding="utf-8")


def read_page(folder: Path = RESULTS) -> dict[str, Any]:
    """What page.yaml says."""
    page: dict[str, Any] = yaml.safe_load((folder / "page.yaml").read_text())
    return page


def copy_tables(run: Path, tables: dict[str, list[str]], to: Path = RESULTS) -> None:
    """Copy the tables of a run, those of several files below each other; stop if one is missing."""
    for name, patterns in tables.items():
        found = [path for pattern in patterns for path in sorted(run.glob(pattern))]
        if not found:
            sys.exit(f"{run}: no {' or '.join(patterns)}: was the whole scenario run?")
        parts = [pd.read_csv(path, sep="\t", dtype=str) for path in found]
        together = pd.concat(parts, ignore_index=True)
        (to / name).parent.mkdir(exist_ok=True)
        together.to_csv(to / name, sep="\t", index=False)


def make_pages(page: dict[str, Any], folder: Path = RESULTS) -> dict[Path, str]:
    """Every generated page, and every page with generated blocks -> its text."""
    pages = {PAGE: make_page(page, folder)}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        if path != PAGE and BLOCK.search(text):
            filled = fill_blocks(text, page, folder)
            # links are written as from docs
            docs = path.parent == PAGE.parent
            pages[path] = filled if docs else filled.replace("](../", "](")
    return pages


def fill_blocks(text: str, page: dict[str, Any], folder: Path) -> str:
    """A page with its blocks made anew: `overview`, `speed`, or a table, or its rows where a query holds."""

    def fill(found: re.Match[str]) -> str:
        what, _, query = found["what"].partition(" where ")
        if what in WHOLE:
            return f"{found[1]}{WHOLE[what](page, folder)}{found[3]}"
        table = read(folder / what)
        if query:
            table = table.query(query)
        return f"{found[1]}{as_text(table, folder / what)}{found[3]}"

    return BLOCK.sub(fill, text)


def make_page(page: dict[str, Any], folder: Path) -> str:
    """docs/results.md."""
    parts = [HEAD, "## Overview\n", overview(page, folder)]
    parts += ["## Which runs\n", page["runs_about"], "", named_runs(page, folder)]
    parts += ["## How far figures move\n", page["moves_about"], "", moves(page, folder)]
    parts += [describe(section, folder) for section in page["benchmarks"]]
    parts += [show(name, about, folder) for name, about in page["tables"].items()]
    parts += ["## Speed, and agreement with the originals\n", page["speed_about"], ""]
    parts += [
        speed_overview(page, folder),
        _list("Targets missed", missed(page, folder)),
    ]
    return "\n".join(parts)


def describe(section: Section, folder: Path) -> str:
    """One benchmark: question, command, scores by task, aims, arms, and what did not work."""
    lines = [f"## {section['title']}\n", section["question"], ""]
    table = read_scores(section, folder)
    if table is None:
        return "\n".join([*lines, f"Not run: there is no `{section['table']}`.", ""])

    primary = table["metric"].iloc[0]
    metric = METRICS[primary]
    lines += [
        f"`{section['command']}` → [`{section['table']}`](../benchmarks/results/{section['table']}). "
        f"{metric.title} ({metric.about}); {_members(table)}.",
        "",
    ]
    lines += [as_markdown(by_task(table)), as_markdown(aims(section, table, folder))]
    lines += [as_markdown(by_arm(table)), _list("What did not work", failures(table))]
    lines += [_list("Beside the tables", section.get("notes", []))]
    return "\n".join(line for line in lines if line is not None)


def show(name: str, about: dict[str, str], folder: Path) -> str:
    """A table, or its rows where a query holds, under its title; by their outcomes, if rows are comparisons."""
    title, path = f"## {about['title']}\n", folder / name
    if not path.exists():
        return f"{title}\nNot run: there is no `{name}`.\n"
    where = f"`{about['command']}` → [`{name}`](../benchmarks/results/{name})."
    table = read(path)
    found = list_outcomes(table) if "question" in table else []
    shown = table.query(about["where"]) if "where" in about else table
    text = as_text(shown, path)
    return "\n".join([title, where, "", text, _list("All comparisons", found)])


def list_outcomes(table: pd.DataFrame) -> list[str]:
    """How comparisons of arms came out, by backbone, benchmark and question."""
    said = []
    keys = ["backbone", "benchmark", "task", "question"]
    for key, part in table.groupby(keys, sort=False):
        counts = part["outcome"].value_counts(sort=False)
        words = ", ".join(f"{outcome} in {n}" for outcome, n in counts.items())
        said.append(f"{', '.join(map(str, key))}: {words}.")
    return said


def read(path: Path) -> pd.DataFrame:
    """A table of benchmarks/results."""
    return pd.read_csv(path, sep="\t")


def read_scores(section: Section, folder: Path) -> pd.DataFrame | None:
    """Rows of a section's benchmark by its primary metric, as contract ``summary`` has them; None without a table."""
    if not (folder / section["table"]).exists():
        return None
    table = read(folder / section["table"])
    if "split" in table:
        table = table.rename(columns=AS_SUMMARY)
    table = table[table["benchmark"] == section["benchmark"]]
    if "tasks" in section:
        table = table[table["task"].isin(section["tasks"])]
    if table.empty:
        return None
    return table[table["metric"] == primary_metric(table["metric"])]


def by_task(table: pd.DataFrame) -> pd.DataFrame:
    """One row a task: the best baseline, the best arm, its gain, and the verdict."""
    rows = []
    for task, part in table.groupby("task", sort=False):
        best, arm = best_of(part, "baseline"), best_of(part, "model")
        row = {"task": task, "n": f"{part['n'].max():,}"}
        row["best baseline"] = _named(best)
        row["best arm"] = _named(arm)
        row["minus baseline"], row["verdict"] = ("", "") if arm is None else gain(arm)
        control = best_of(part, "control")
        if arm is not None and control is not None and not _above(arm, control):
            row["verdict"] += f"; no better than the control {control['arm']}"
        rows.append(row)
    return pd.DataFrame(rows)


def by_arm(table: pd.DataFrame) -> pd.DataFrame:
    """Arms by tasks, the best first; the control of an arm in brackets behind it. At most `MOST_ROWS` rows."""
    cells = {(row.task, row.arm): row.estimate for row in table.itertuples()}
    tasks = list(dict.fromkeys(table["task"]))
    names = set(table["arm"])
    controls = {arm: _control_of(arm, names) for arm in names}
    sign = METRICS[table["metric"].iloc[0]].sign
    left_out = undefined_arms(table) | set(controls.values())
    shown = table[~table["arm"].isin(left_out)]

    order = (shown["estimate"] * sign).groupby(shown["arm"]).mean()
    order = order.sort_values(ascending=False, kind="stable")
    kinds = dict(zip(shown["arm"], shown["kind"], strict=True))
    rows = []
    for arm in order.index[: MOST_ROWS - 1]:
        row = {
            "arm": f"{arm} ({kinds[arm]})" if kinds[arm] != "model" else f"**{arm}**"
        }
        for task in tasks:
            text = number(cells.get((task, arm)))
            control = cells.get((task, controls[arm]))
            row[task] = text if control is None else f"{text} ({number(control)})"
        rows.append(row)
    if len(order) > len(rows):
        rows.append({"arm": f"{len(order) - len(rows)} more in the table"})
    return pd.DataFrame(rows).fillna("")


def aims(section: Section, table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """What was aimed at, what was measured, and whether that is reached, in plain words."""
    rows = []
    for aim in section.get("aims", []):
        if "against" in aim:
            found = _compared(section, aim, folder)
            low = None if found is None else found["low"]
            reached = low is not None and low > 0
            measured = NOT_MEASURED if found is None else difference(found)
            wanted = f"better than {aim['against']}"
        else:
            part = table[table["task"] == aim["task"]]
            arm = part[part["arm"] == aim["arm"]] if "arm" in aim else part.iloc[:0]
            row = best_of(part, "model") if "arm" not in aim else next(_rows(arm), None)
            at = None if row is None else row["estimate"]
            near = "near" in aim
            wanted = (
                f"{number(aim['near'])} ± .02"
                if near
                else f"above {number(aim['above'])}"
            )
            reached = at is not None and (
                abs(at - aim["near"]) <= 0.02 if near else at > aim["above"]
            )
            measured = "not measured" if row is None else f"{row['arm']} {value(row)}"
        rows.append(
            {
                "aim": f"{aim['task']}: {aim.get('arm', 'best arm')}",
                "wanted": wanted,
                "measured": measured,
                "": _outcome(measured, reached),
            }
        )
    return pd.DataFrame(rows)


def failures(table: pd.DataFrame) -> list[str]:
    """By task the arms that do not beat the best baseline, or a control; and those that have no value anywhere."""
    said = []
    for task, part in table.groupby("task", sort=False):
        models = [row for row in _rows(part) if row["kind"] == "model"]
        judged = [(row, *gain(row)) for row in models]
        best, control = best_of(part, "baseline"), best_of(part, "control")
        for verdict, words in NOT_BETTER.items():
            named = [
                f"{row['arm']} {by}" for row, by, word in judged if word == verdict
            ]
            if named and best is not None:
                said.append(f"{task}: {words} {best['arm']}: {', '.join(named)}.")
        named = [row["arm"] for row, _, word in judged if word == SAID["better"]]
        no_better = [
            row["arm"]
            for row in models
            if control is not None and row["arm"] in named and not _above(row, control)
        ]
        if control is not None and no_better:
            with_value = f"{control['arm']} ({number(control['estimate'])})"
            said.append(f"{task}: no better than {with_value}: {', '.join(no_better)}.")
    undefined = sorted(undefined_arms(table))
    if undefined:
        said.append(f"Undefined in every task: {', '.join(undefined)}.")
    return said


def undefined_arms(table: pd.DataFrame) -> set[str]:
    """Arms without a value in any task."""
    defined = table["estimate"].notna().groupby(table["arm"]).any()
    return set(defined.index[~defined])


def overview(page: dict[str, Any], folder: Path) -> str:
    """One row a task of the benchmarks that have arms of models."""
    parts = []
    for section in page["benchmarks"]:
        table = read_scores(section, folder)
        if table is None:
            parts.append(
                pd.DataFrame([{"benchmark": section["title"], "task": "not run"}])
            )
        elif (table["kind"] == "model").any():
            rows = by_task(
                table[table["task"].isin(section.get("overview", table["task"]))]
            )
            parts.append(rows.assign(benchmark=section["title"]))
    rows = pd.concat(parts).fillna("")
    return as_markdown(
        rows[
            [
                "benchmark",
                "task",
                "best baseline",
                "best arm",
                "minus baseline",
                "verdict",
            ]
        ]
    )


def speed_overview(page: dict[str, Any], folder: Path) -> str:
    """One row a table of speed: what it asks, its first figure, and how many targets it meets."""
    rows = []
    for name, about in page["speed"].items():
        table = read(folder / f"{name}.tsv")
        aimed = table[table["met"].notna()] if "met" in table else table.iloc[:0]
        shown = (
            table[table["what"] == about["row"]] if "row" in about else table.iloc[:0]
        )
        rows.append(
            {
                "command": f"`{about['command']}`",
                "what": about["what"],
                "ours, reference": "; ".join(map(_said, _rows(shown))),
                "targets met": f"{(aimed['met'] == 'yes').sum()} of {len(aimed)}"
                if len(aimed)
                else "",
                "rows": f"[{len(table)}](../benchmarks/results/{name}.tsv)",
            }
        )
    return as_markdown(pd.DataFrame(rows))


def missed(page: dict[str, Any], folder: Path) -> list[str]:
    """Targets of speed that are not met."""
    said = []
    for name in page["speed"]:
        table = read(folder / f"{name}.tsv")
        if "met" in table:
            said += [
                f"{name}: {row['what']}: {_said(row)}, target {row['target']}."
                for row in _rows(table[table["met"] == "no"])
            ]
    return said


def named_runs(page: dict[str, Any], folder: Path) -> str:
    """One row a table of the demo's metrics: what it measures, the commit of its run, and the hash of its config."""
    rows = []
    for name, run in page["demo_runs"].items():
        table = read(folder / run)
        row = {"run": name, "table": f"[`{run}`](../benchmarks/results/{run})"}
        row["commit"] = ", ".join(f"`{of[:7]}`" for of in table["commit"].unique())
        row["config"] = ", ".join(f"`{of}`" for of in table["config_hash"].unique())
        rows.append(row | {"command": "`make demo`"})
    return as_markdown(pd.DataFrame(rows))


def moves(page: dict[str, Any], folder: Path) -> str:
    """How far the primary metric moved between the two runs of the demo, by benchmark, task and kind of arm."""
    first, second = (read(folder / run) for run in page["demo_runs"].values())
    keys = ["task", "split", "arm", "metric", "kind"]
    both = first.merge(second, on=keys, suffixes=("", "_other"))
    of_task = both.groupby("task")["metric"]
    both = both[both["metric"] == of_task.transform(primary_metric)]
    both = both[both["kind"].isin(["baseline", "control", "model"])]
    both = both.dropna(subset=["value", "value_other"])
    moved = (both["value"] - both["value_other"]).abs()
    width = (both["high"] - both["low"]) / 2

    by = both.assign(moved=moved, width=width).groupby(["task", "split", "kind"])
    rows = []
    for (task, split, kind), part in by:
        row = {"benchmark": task, "task": split, "arms": f"{len(part)} {kind}"}
        row["moved, median"] = number(part["moved"].median())
        row["moved, most"] = number(part["moved"].max())
        widths = part["width"].dropna()
        row["half an interval, median"] = number(
            widths.median() if len(widths) else None
        )
        rows.append(row)
    return as_markdown(pd.DataFrame(rows))


def three_numbers(page: dict[str, Any], folder: Path) -> str:
    """What README says first: are the networks right, does the graph help, what does it cost; each with its run."""
    sections = {section["title"]: section for section in page["benchmarks"]}
    scores = read_scores(sections["GRN accuracy"], folder)
    assert scores is not None
    row = next(_rows(by_task(scores[scores["task"] == "all"])))
    pairs = read(folder / "demo/pretrain_comparisons.tsv")
    wanted = (pairs["arm"] == "hybrid") & (pairs["against"] == "random")
    graph = next(_rows(pairs[wanted]))
    costs = read(folder / "demo/costs_by_stage.tsv")
    speed = read(folder / "grn.tsv")
    ours = next(_rows(speed[speed["what"] == page["speed"]["grn"]["row"]]))
    seconds, most = costs["cpu_seconds"].sum(), costs["peak_memory_mb"].max()
    commit = read(folder / "demo/metrics.tsv")["commit"].iloc[0][:7]
    return (
        f"- **Networks against ChIP-seq** (AUPRC over chance): best arm {row['best arm']}; "
        f"best baseline, which knows no TF, {row['best baseline']}; "
        f"difference {row['minus baseline']}: {row['verdict']}.\n"
        f"- **Graph in the model** (loss on held-out cells that the right graph saves against a random one): "
        f"{graph['difference']:+.5f} [{graph['low']:.5f}, {graph['high']:.5f}]: {graph['outcome']}.\n"
        f"- **Cost**: {seconds:,.0f} CPU seconds and at most {most:,.0f} MB a job for the whole demo; "
        f"TF-gene networks take {ours['ratio']:.0f} times less CPU than arboreto's (`make bench-grn`).\n\n"
        f"Run: `make demo` at commit `{commit}`, on four cell lines by SNARE-seq.\n"
    )


#: blocks of several tables
WHOLE = {
    "overview": overview,
    "speed": speed_overview,
    "three numbers": three_numbers,
    "how far figures move": moves,
}


def best_of(part: pd.DataFrame, kind: str) -> dict[str, Any] | None:
    """The arm of a kind with the best estimate; None where none has a value."""
    part = part[(part["kind"] == kind) & part["estimate"].notna()]
    if part.empty:
        return None
    sign = METRICS[part["metric"].iloc[0]].sign
    found: dict[str, Any] = part.loc[(sign * part["estimate"]).idxmax()].to_dict()
    return found


def gain(row: dict[str, Any]) -> tuple[str, str]:
    """Difference of an arm to the best baseline with its interval, and the verdict in words."""
    names = ("above_baseline", "above_baseline_low", "above_baseline_high")
    found = Estimate(*(row[name] for name in names), row["members"])
    return difference(
        dict(zip(("difference", "low", "high"), found, strict=False))
    ), SAID[found.outcome]


def difference(row: dict[str, Any]) -> str:
    """A difference with its sign and interval."""
    if pd.isna(row["difference"]):
        return ""
    text = f"{'+' * (row['difference'] >= 0)}{number(row['difference'])}"
    return (
        text
        if pd.isna(row["low"])
        else f"{text} [{number(row['low'])}, {number(row['high'])}]"
    )


def value(row: dict[str, Any]) -> str:
    """An estimate with its interval."""
    text = number(row["estimate"])
    return (
        text
        if pd.isna(row["low"])
        else f"{text} [{number(row['low'])}, {number(row['high'])}]"
    )


def number(of: float | None) -> str:
    """Three decimals, without the zero before the point."""
    if of is None or pd.isna(of):
        return ""
    return re.sub(r"^(-?)0\.", r"\1.", f"{of:.3f}")


def as_text(table: pd.DataFrame, path: Path) -> str:
    """A table of speed, those rows first that have a target; of many, the first `MOST_ROWS`."""
    if len(table) > MOST_ROWS and "met" in table:
        aimed = table["met"].notna()
        table = pd.concat([table[aimed], table[~aimed]])
    shown = table.head(MOST_ROWS).map(_cell)
    rest = len(table) - len(shown)
    more = (
        f"\n{rest} more rows are in [`{path.name}`](../benchmarks/results/{path.name}).\n"
        if rest
        else ""
    )
    return as_markdown(shown) + more


def as_markdown(table: pd.DataFrame) -> str:
    """A table of markdown; nothing where it has no row."""
    if table.empty:
        return ""
    columns = [column for column in table if not (table[column] == "").all()]
    lines = [f"| {' | '.join(map(str, columns))} |", f"|{'---|' * len(columns)}"]
    for row in table[columns].itertuples(index=False):
        lines.append(
            f"| {' | '.join(str(cell).replace('|', ' of ') for cell in row)} |"
        )
    return "\n".join(lines) + "\n"


def _cell(of: Any) -> str:
    if pd.isna(of):
        return ""
    if not isinstance(of, float):
        return str(of)
    return f"{of:,.0f}" if of.is_integer() else f"{of:.4g}"


def _named(row: dict[str, Any] | None) -> str:
    return "none" if row is None else f"{row['arm']} {value(row)}"


def _above(row: dict[str, Any], other: dict[str, Any]) -> bool:
    sign = METRICS[row["metric"]].sign
    return bool(sign * row["estimate"] > sign * other["estimate"])


def _outcome(measured: str, reached: bool) -> str:
    if measured == NOT_MEASURED:
        return ""
    return "reached" if reached else "**not reached**"


def _list(title: str, items: list[str]) -> str:
    if not items:
        return ""
    return f"**{title}**\n\n" + "".join(f"- {item}\n" for item in items)


def _members(table: pd.DataFrame) -> str:
    units = table.groupby("unit")["members"].max()
    return " or ".join(f"{members} {unit}s" for unit, members in units.items())


def _rows(table: pd.DataFrame) -> Iterable[dict[str, Any]]:
    return iter(table.to_dict("records"))


def _said(row: dict[str, Any]) -> str:
    unit = row["unit"] if isinstance(row["unit"], str) else ""
    text = f"{row['ours']:.4g} {unit}".strip()
    text += "" if pd.isna(row["reference"]) else f", {row['reference']:.4g}"
    return text if pd.isna(row["ratio"]) else f"{text} ({row['ratio']:.3g}x)"


def _control_of(arm: str, names: set[str]) -> str | None:
    """An arm's own control, by the names that the benchmarks give."""
    known = (rewired_name(arm), f"{arm} (wrong TF)", f"{arm} (permuted links)")
    return next((name for name in known if name in names), None)


def _compared(section: Section, aim: Section, folder: Path) -> dict[str, Any] | None:
    """The paired difference of two arms in the section's comparisons, by its primary metric."""
    path = folder / section.get("comparisons", "")
    if not path.is_file():
        return None
    table = read(path)
    wanted = (table["task"] == aim["task"]) & (table["arm"] == aim["arm"])
    wanted &= table["against"] == aim["against"]
    found = table[wanted]
    found = found[found["metric"] == primary_metric(table["metric"])]
    return next(_rows(found), None)


if __name__ == "__main__":
    main()
