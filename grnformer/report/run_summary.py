"""What one run measured in all its benchmarks, and what that rests on: settings, splits, data, commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from grnformer.bench.metrics import SCORE_COLUMNS
from grnformer.bench.summary import summarise_scores
from grnformer.core import contracts, io
from grnformer.core.record import (
    Record,
    fingerprint,
    hash_content,
    job_of,
    portable,
    shared_settings,
)
from grnformer.report.costs import WHOLE_RUN
from grnformer.workflow.arms import backbone_by_arm

UNKNOWN = "unknown"
FETCHING = "fetch_resource"  # a rule whose outputs are data
#: sections of the config that change no score
_NO_RESULTS = ("report", "resources")
#: key of contract ``heldout`` -> its name as an arm
LOSS_BASELINES = {
    # a space, which no arm of the configuration has
    "baseline_loss": "gene average",
    "baseline_cell_type_loss": "gene average in type",
    "factor_loss": "factor model",
    "ridge_loss": "ridge on seen genes",
}
#: settings of a model that its held-out tokens and masks follow from
_OF_TOKENS = (
    "backbone",
    "expressed_fraction",
    "heldout_cells",
    "heldout_repeats",
    "mask_fraction",
    "n_tokens",
    "seed",
)
METRIC_OF_UNIT = {"squared SD": "heldout_squared_error", "nats": "heldout_nats"}
#: column of the summary -> its name in the metrics
_RENAMED = {"benchmark": "task", "task": "split", "estimate": "value"}


def summarise_run(
    paths: Iterable[str],
    results: Path,
    records: Mapping[str, Record],
    config: dict[str, Any],
    commit: str,
    heldout: Iterable[str] = (),
) -> dict[str, Any]:
    """Join the summaries of all benchmarks.

    Parameters
    ----------
    paths
        Tables by contract ``summary``.
    results
        The folder of all results, which has a folder for each dataset.
    records
        Output -> record of the job that wrote it (`grnformer.core.record.read_records`).
    config
        The whole configuration.
    commit
        State of the checkout.
    heldout
        Files by contract ``heldout``: the models' held-out losses, and those of their baselines on the same tokens.

    Returns
    -------
    Content by contract ``run_summary``.
    """
    config_hash = hash_config(config)
    rows: list[dict[str, Any]] = []
    benchmarks = []
    summaries = [
        (path, io.read_table(path, "summary"), describe_origin) for path in paths
    ]
    summaries += [
        (path, losses, describe_origin_of_losses)
        for path, losses in summarise_losses(list(heldout), results, config)
    ]
    for path, table, describe in summaries:
        dataset = dataset_of(path, results)
        summary = table.rename(columns=_RENAMED)
        made = describe(path, dataset, records)
        benchmarks += [
            {"dataset": dataset, "task": task, **made}
            for task in summary["task"].unique()
        ]
        marked = summary.assign(
            dataset=dataset, commit=made["commit"], config_hash=config_hash
        )
        rows += to_rows(marked)
    return {
        "title": config["report"]["title"],
        "commit": commit,
        "config_hash": config_hash,
        "benchmarks": benchmarks,
        "metrics": rows,
    }


def summarise_losses(
    paths: list[str], results: Path, config: dict[str, Any]
) -> list[tuple[str, pd.DataFrame]]:
    """Held-out losses of the models of each dataset beside their baselines, as summaries of a benchmark ``pretrain``.

    Baselines: each gene's mean (or frequency) in training cells, the same in the cell's type, a factor model and ridge
    regression; the last two where values are predicted. They have no seed: one value, the same for all models.

    Parameters
    ----------
    paths
        Files <results>/<dataset>/pretrain/<arm>/seed<seed>/heldout.json.
    results, config
        See `summarise_run`.

    Returns
    -------
    One file of each dataset, and the table by contract ``summary``; its tasks are the backbones.
    """
    if not paths:
        return []
    backbones = backbone_by_arm(config["pretrain"])
    rows: dict[str, dict[tuple[str, str, str], dict[str, Any]]] = {}
    first: dict[str, str] = {}
    for path in map(str, paths):
        seed, arm = Path(path).parent.name, Path(path).parents[1].name
        dataset = dataset_of(path, results)
        first.setdefault(dataset, path)
        heldout = io.read_json(path, "heldout")
        metric = METRIC_OF_UNIT[heldout["loss_unit"]]
        values = {
            arm: heldout["loss"],
            **{name: heldout[key] for key, name in LOSS_BASELINES.items()},
        }
        for name, value in values.items():
            if value is None:
                continue
            kind = "model" if name == arm else "baseline"
            row = dict(
                zip(
                    SCORE_COLUMNS,
                    (
                        *("pretrain", backbones[arm], name, kind, metric, "seed"),
                        *(seed.removeprefix("seed"), value, heldout["n"]),
                    ),
                    strict=True,
                )
            )
            # a baseline has no seed: one value, without an interval
            place = (backbones[arm], name, seed if kind == "model" else "")
            rows.setdefault(dataset, {}).setdefault(place, row)
    report = config["report"]
    return [
        (
            first[dataset],
            summarise_scores(
                pd.DataFrame(list(found.values())),
                n_resamples=report["resamples"],
                seed=report["seed"],
            ),
        )
        for dataset, found in rows.items()
    ]


def to_rows(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of contract ``metrics`` as JSON has them: None where a value is missing."""
    columns = list(contracts.load("metrics")["columns"])
    # as objects: a column of floats would keep its NaN
    found = metrics[columns].astype(object)
    return found.where(found.notna(), None).to_dict("records")


def tabulate_metrics(summary: Mapping[str, Any]) -> pd.DataFrame:
    """The table of contract ``metrics`` in a run's summary."""
    columns = list(contracts.load("metrics")["columns"])
    table = pd.DataFrame(summary["metrics"], columns=columns)
    types = contracts.numeric_columns("metrics")
    return table.astype({name: types[name] for name in columns if name in types})


def hash_config(config: dict[str, Any]) -> str:
    """Hash (16 hex digits) of the settings that scores may follow from: where and how a run runs is no part."""
    kept = {name: part for name, part in config.items() if name not in _NO_RESULTS}
    return hash_content(portable(kept))


def dataset_of(path: str, results: Path) -> str:
    """Dataset whose folder a result lies in; `all` for one of the whole run."""
    first, *_ = Path(path).relative_to(results).parts
    return WHOLE_RUN if first == "bench" else first


def describe_origin(
    path: str, dataset: str, records: Mapping[str, Record]
) -> dict[str, Any]:
    """Commit, settings, splits and data behind a result, apart for the benchmark's jobs and those before it.

    Parameters
    ----------
    path, dataset
        The result, and the dataset it is of.
    records
        See `summarise_run`.
    """
    records = {
        output: record
        for output, record in records.items()
        if record["rule"] != FETCHING
    }
    behind = list(_jobs_behind(path, records))
    benchmark = [record for record in behind if _is_benchmark(record)]
    before = [record for record in behind if not _is_benchmark(record)]
    found: dict[str, Any] = {
        "commit": behind[0]["software"]["commit"] if behind else UNKNOWN,
        "splits": {
            job_of(record): fingerprint(record)
            for record in benchmark
            if record["rule"].startswith("split_")
        },
    }
    for suffix, jobs in (("", benchmark), ("_before", before)):
        found[f"settings{suffix}"] = _settings(jobs, dataset)
        found[f"data{suffix}"] = {
            entry["file"]: entry["digest"]
            for record in jobs
            for entry in record["inputs"]
            # what jobs made follows from their settings and data
            if entry.get("digest") and entry["file"] not in records
        }
    return found


def describe_origin_of_losses(
    path: str, dataset: str, records: Mapping[str, Record]
) -> dict[str, Any]:
    """As `describe_origin` for held-out losses: their task is the split, and what tokens and masks are drawn by."""
    made = describe_origin(path, dataset, records)
    behind = list(_jobs_behind(path, records))
    model = behind[0]["settings"]["settings"] if behind else {}
    drawn = {**model.get("size", {}), **model}
    made["settings"] = {
        "heldout": {name: drawn[name] for name in _OF_TOKENS if name in drawn}
    }
    made["splits"] = {
        job_of(record): fingerprint(record)
        for record in behind
        if record["rule"] in ("split_cells", "join_splits")
    }
    return made


def _jobs_behind(path: str, records: Mapping[str, Record]) -> Iterator[Record]:
    """Records of the job that wrote `path` and of all that it rests on, each once, the nearest first."""
    waiting, seen = [path], set()
    while waiting:
        record = records.get(waiting.pop(0))
        if record and job_of(record) not in seen:
            seen.add(job_of(record))
            yield record
            waiting += [entry["file"] for entry in record["inputs"]]


def _is_benchmark(record: Record) -> bool:
    return any("bench" in Path(output).parts for output in record["outputs"])


def _settings(jobs: Iterable[Record], dataset: str) -> dict[str, Any]:
    """Rule -> settings; those of an arm under its name, since arms of one name may differ between runs."""
    found: dict[str, Any] = {}
    for record in jobs:
        wildcards, rule = record["wildcards"], record["rule"]
        # jobs of a corpus's other datasets have settings of their own
        if wildcards.get("dataset", dataset) not in (dataset, WHOLE_RUN):
            rule = f"{rule} of {wildcards['dataset']}"
        of_rule = found.setdefault(rule, {})
        of_rule.update(shared_settings(record))
        if "arm" in record["settings"]:
            arms = of_rule.setdefault("arms", {})
            arms[wildcards.get("arm", "")] = record["settings"]["arm"]
    return found
