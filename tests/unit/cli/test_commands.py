"""The commands beside the workflow: resources without a network, and what made a file."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from grnformer.cli.main import main
from grnformer.cli.plan import sum_up
from grnformer.core import io, record
from grnformer.core.job import job
from grnformer.core.resources import MIRROR_VARIABLE

TSS = b"chr1\t100\t101\tA\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config with a registry of two resources, only one of which can be had."""
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    (tmp_path / "tss.bed").write_bytes(TSS)
    entry = {"sha256": hashlib.sha256(TSS).hexdigest(), "licence": "-", "about": "-"}
    registry = {
        "tss.bed": {"source": f"path:{tmp_path / 'tss.bed'}", **entry},
        "far.bed": {"source": "path:/no/such/far.bed", **entry},
    }
    (tmp_path / "registry.yaml").write_text(yaml.safe_dump(registry))
    settings = {"resources": {"registry": str(tmp_path / "registry.yaml")}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "mine.yaml"


def test_fetch_fills_a_mirror_and_says_once_what_is_missing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = config.parent / "mirror"
    command = ["fetch", "--all", "--configfile", str(config), "--to", str(mirror)]
    assert main(command) == 1
    shown = capsys.readouterr()
    assert shown.out == f"{mirror / 'tss.bed'}\n"
    assert shown.err.count("Found: ") == 1
    assert "1 of 2 resources could not be fetched: far.bed" in shown.err
    assert "grnformer fetch" in shown.err
    (config.parent / "tss.bed").unlink()
    (mirror / "far.bed").write_bytes(TSS)
    dates = [path.stat().st_mtime_ns for path in mirror.glob("*.bed")]
    assert main(command) == 0, "both are there, wherever they came from"
    assert dates == [path.stat().st_mtime_ns for path in mirror.glob("*.bed")]


def test_what_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("fetch", "plan"):
        assert main([command, "--configfile", "nowhere.yaml"]) == 1
        assert "no file nowhere.yaml" in capsys.readouterr().err
    assert main(["fetch", "nothing.bed"]) == 1
    assert "no resource 'nothing.bed'" in capsys.readouterr().err


def test_provenance_of_a_table_and_of_text_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "git_commit", lambda checkout: "abc")
    monkeypatch.chdir(tmp_path)
    Path("tfs.txt").write_text("SPI1\n")
    made = [f"results/pbmc/pretrain/split{suffix}" for suffix in (".parquet", ".tsv")]
    snakemake = SimpleNamespace(
        threads=1,
        log=["results/logs/pbmc/pretrain/split_cells.log"],
        rule="split_cells",
        wildcards={"dataset": "pbmc"},
        params={
            "heldout_fraction": 0.1,
            "seed": 7,
            "code": "0123",
            "contents": {"tfs.txt": ""},
        },
        input=["tfs.txt"],
        output=made,
    )
    with job(snakemake):
        for path in made:
            split = pd.DataFrame({"cell": ["a"], "cell_type": "T", "split": "train"})
            io.write_table(split, path, "split")

    tfs = f"sha256:{hashlib.sha256(b'SPI1' + bytes([10])).hexdigest()}"
    for path in made:
        assert main(["provenance", path]) == 0
        shown = capsys.readouterr().out
        for text in ("split_cells dataset=pbmc", "commit abc", "fingerprint 0123", tfs):
            assert text in shown
        assert "\nSeeds\n  seed  7\n" in shown
    assert "split_cells.record.json, since split.tsv is plain" in shown

    assert main(["provenance", "tfs.txt"]) == 1
    error = capsys.readouterr().err
    assert error.count("Found: ") == 1
    assert "tfs.txt carries no record" in error


def test_a_plan_sums_up_the_hours_that_jobs_ask_for() -> None:
    def job(rule: str, threads: int = 1, **resources: int) -> SimpleNamespace:
        named = SimpleNamespace(name=rule)
        return SimpleNamespace(rule=named, threads=threads, resources=resources)

    jobs = [
        job("train", runtime=120, gpu=0, nodes=2),
        job("train", runtime=120, gpu=0, nodes=2),
    ]
    found = sum_up([job("prep", threads=4, runtime=30), *jobs], gpus=1)
    # jobs, node-hours, core-hours, GPU-hours; the largest first
    assert list(found.items()) == [("train", (2, 8, 8, 8)), ("prep", (1, 0.5, 2, 0))]


def test_several_files_stand_behind_one_option(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = config.with_name("other.yaml")
    other.write_text("report: {title: Mine}\n")
    files = ["--configfile", str(config), str(other)]
    assert main(["fetch", *files, "tss.bed", "--to", str(config.parent / "to")]) == 0
    assert capsys.readouterr().out.endswith("to/tss.bed\n")
    assert main(["fetch", "--configfile", str(config), "no.yaml", "tss.bed"]) == 1
    assert "no file no.yaml" in capsys.readouterr().err


def test_a_wrong_option_ends_with_usage_and_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["fetch", "--nothing"]) == 2
    assert "No such option" in capsys.readouterr().err
    assert main(["plan", "--configfile"]) == 2


def test_a_notebook_s_backend_of_plots_stops_no_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cells of a notebook pass theirs on, and matplotlib, which scanpy imports, refuses one that is not installed."""
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    assert main(["fetch", "--help"]) == 0
    from matplotlib.rcsetup import validate_backend

    assert validate_backend(os.environ["MPLBACKEND"]) == "agg"
