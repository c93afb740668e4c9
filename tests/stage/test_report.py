"""The report's rule through Snakemake, on a finished run in small."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(
    finished_run: Path, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished run of one dataset without truth for GRN accuracy, with every input that the rule declares."""
    folder = tmp_path_factory.mktemp("stage")
    shutil.copytree(finished_run / "results" / "lines", folder / "results" / "lines")
    shutil.copytree(finished_run / "results" / "bench", folder / "results" / "bench")
    shutil.copytree(
        finished_run / "results" / "benchmarks", folder / "results" / "benchmarks"
    )
    shutil.rmtree(folder / "results" / "lines" / "bench" / "grn_accuracy")
    for name in ("rna.h5ad", "atac.h5ad"):
        (folder / name).touch()
    columns = {
        "dataset": "lines",
        "sample": "s1",
        "rna": "rna.h5ad",
        "atac": "atac.h5ad",
        "genome": "hg38",
    }
    sheet = "\t".join(columns) + "\n" + "\t".join(columns.values()) + "\n"
    (folder / "samples.tsv").write_text(sheet)
    empty = {"title": "-", "commit": "-", "config_hash": "-"}
    earlier = empty | {"benchmarks": [], "metrics": []}
    (folder / "earlier.json").write_text(json.dumps(earlier))
    overlay = {
        "samples": "samples.tsv",
        "pretrain": {"arms": config["pretrain"]["arms"], "seeds": [1, 2]},
        "fuse": {"graphs": ["none", "random", "hybrid"]},
        "topics": {"n_topics": [4, 6]},
        "grn": {"stability": {"seeds": []}},
        "report": {"title": "Stage test", "runs": {"earlier": "earlier.json"}},
        "bench": {"grn_accuracy": {"lines": []}, "sc_drug": {"lines": []}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(overlay))
    return folder


def snakemake(run: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # --allowed-rules: what other stages wrote counts as given
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(CHECKOUT / "Snakefile"),
        "--directory",
        str(run),
    ]
    command += [
        "--configfile",
        str(run / "config.yaml"),
        "-c1",
        "--allowed-rules",
        "report",
        "collect_costs",
        "collect_metrics",
        "join_runs",
        "render_report",
    ]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=600, check=False
    )


def test_rule_renders_page_and_tables(run: Path) -> None:
    done = snakemake(run, "report")
    assert done.returncode == 0, done.stderr
    page = (run / "results" / "report" / "index.html").read_text()
    assert "Stage test" in page
    assert (
        "Drug response: hybrid beats every control and the best baseline in none of 3 tasks"
        in page
    )
    assert "GRN accuracy was not measured" in page
    tables = {path.stem for path in (run / "results" / "report" / "tables").iterdir()}
    assert {
        "drug_response_summary",
        "eregulon_dots",
        "sizes",
        "costs_by_job",
        "software",
    } <= tables
    assert "grn_accuracy_summary" not in tables
    jobs = pd.read_csv(
        run / "results" / "report" / "tables" / "costs_by_job.tsv", sep="\t"
    )
    assert set(jobs["job"]) == {
        "prepare_tss",
        "infer_tf_gene",
        "pretrain_model.hybrid.seed1",
    }
    metrics = pd.read_csv(run / "results" / "report" / "metrics.tsv", sep="\t")
    assert set(metrics["task"]) == {"drug_response", "pretrain"}
    splits = metrics.loc[metrics["task"] == "drug_response", "split"]
    assert set(splits) == {"pair", "line", "drug"}
    joined = (run / "results" / "report" / "joined" / "index.html").read_text()
    assert "drug_response of lines: only this run has it." in joined
    again = snakemake(run, "-n", "report")
    assert "Nothing to be done" in again.stdout + again.stderr
