"""The job wrapper: log, threads, and one clear message for wrong input."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from grnformer.core.costs import read_own_cost
from grnformer.core.errors import InputError
from grnformer.core.job import job


@pytest.fixture
def snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for variable in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    return SimpleNamespace(
        threads=3,
        log=[str(tmp_path / "log" / "rule.log")],
        rule="infer_network",
        wildcards={"dataset": "pbmc"},
        params={"settings": {"seed": 1}, "code": "0123"},
        input=[],
        output=[],
    )


def log_of(snakemake: SimpleNamespace) -> str:
    return Path(snakemake.log[0]).read_text()


def test_libraries_are_held_to_the_rules_threads(snakemake: SimpleNamespace) -> None:
    with job(snakemake):
        assert os.environ["OMP_NUM_THREADS"] == "3"
        assert os.environ["NUMBA_NUM_THREADS"] == "3"
    # what shares the process with it has its own again
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["NUMBA_NUM_THREADS"] == "1"


def test_all_output_goes_into_the_log(
    snakemake: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with job(snakemake) as logger:
        sys.stdout.write("from a library\n")
        sys.stderr.write("a progress bar\n")
        logging.getLogger("grnformer.grn").info("12 eRegulons")
        logger.info("done")
    text = log_of(snakemake)
    assert "from a library" in text
    assert "a progress bar" in text
    assert "INFO grnformer.grn: 12 eRegulons" in text
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ""


def test_warnings_reach_the_terminal(
    snakemake: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with job(snakemake):
        logging.getLogger("grnformer.prep").info("reading")
        logging.getLogger("grnformer.prep").warning("12 regions overlap")
    shown = capsys.readouterr().err
    assert shown.startswith("infer_network warns: ")
    assert shown.endswith("12 regions overlap\n")
    assert "reading" not in shown
    assert "12 regions overlap" in log_of(snakemake)


def test_wrong_input_ends_the_job_with_its_message_alone(
    snakemake: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop, job(snakemake):
        raise InputError("no overlap", "the same barcodes", "remove the suffix")
    assert stop.value.code == 1
    for text in (capsys.readouterr().err, log_of(snakemake)):
        assert "infer_network" in text
        assert (
            text.count(
                "Found: no overlap\nExpected: the same barcodes\nTo mend it: remove the suffix"
            )
            == 1
        )
        assert "Traceback" not in text


def test_any_other_error_keeps_its_traceback(snakemake: SimpleNamespace) -> None:
    with pytest.raises(ZeroDivisionError), job(snakemake):
        1 / 0  # noqa: B018
    assert "Traceback" in log_of(snakemake)
    assert "ZeroDivisionError" in log_of(snakemake)


def test_handlers_are_removed_whatever_happens(snakemake: SimpleNamespace) -> None:
    before = list(logging.getLogger("grnformer").handlers)
    with job(snakemake):
        pass
    with pytest.raises(SystemExit), job(snakemake):
        raise InputError("a", "b", "c")
    assert logging.getLogger("grnformer").handlers == before


def test_what_the_job_took_lies_beside_its_log(snakemake: SimpleNamespace) -> None:
    before = time.process_time()
    with job(snakemake):
        while time.process_time() < before + 0.1:
            pass
    took = json.loads(Path(snakemake.log[0]).with_suffix(".cost.json").read_text())
    assert took["cpu_seconds"] >= before + 0.09
    # a process of Python with numpy, in MB
    assert 20 < took["peak_memory_mb"] < 50_000


def test_memory_of_a_job_is_not_that_of_what_started_it() -> None:
    held = bytearray(400 * 2**20)
    held[:: 2**12] = b"1" * len(held[:: 2**12])
    code = "from grnformer.core.costs import read_own_cost as read; print(read()['peak_memory_mb'])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert 5 < float(told.stdout) < 300
    assert read_own_cost()["peak_memory_mb"] > 400
