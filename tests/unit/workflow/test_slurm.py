"""What Slurm says of jobs becomes plain, and its endings are told once."""

import asyncio
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from grnformer.workflow import partition, slurm
from grnformer.workflow.slurm import Watch, tell_of_groups


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`asked(*answers)`: what comes of answers of the executor's query, one after the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        slurm, "answer", lambda *_: "7|PartitionTimeLimit\n8|Priority\n"
    )

    def ask(*answers: dict[str, str] | None) -> list[dict[str, str] | None]:
        left = iter(answers)

        async def query(command: str, logger: object) -> tuple[object, float]:
            return next(left), 0.1

        watch = Watch(query)
        logger = logging.getLogger("snakemake")
        return [asyncio.run(watch.ask("squeue --name run", logger))[0] for _ in answers]

    return ask


def test_a_cancelled_job_has_ended_in_the_words_of_sacct_too(asked, caplog) -> None:
    assert asked({"1": "CANCELLED by 1000"}, {"1": "CANCELLED by 1000"})[0] == {
        "1": "CANCELLED"
    }
    assert caplog.text.count("Slurm ended job 1 (CANCELLED)") == 1


def test_a_job_killed_for_its_memory_is_told_by_its_log(asked, caplog) -> None:
    logs = slurm.LOGS / "rule_x"
    logs.mkdir(parents=True)
    said = (
        "slurmstepd-n1: error: StepId=2.0 exceeded memory limit (9 > 3), being killed"
    )
    (logs / "2.log").write_text(said)
    (logs / "3.log").write_text("our own words: exceeded memory limit")
    states = asked({"2": "FAILED", "3": "FAILED"})[0]
    assert states == {"2": "OUT_OF_MEMORY", "3": "FAILED"}
    assert "mem_mb" in caplog.text


def test_a_job_preempted_for_good_is_not_waited_for(asked, caplog) -> None:
    """One that Slurm starts again is."""
    states = asked(*[{"4": "PREEMPTED"}] * 3)
    assert [state["4"] for state in states] == ["REQUEUED", "REQUEUED", "CANCELLED"]
    assert caplog.text.count("Slurm ended job 4 (PREEMPTED)") == 1
    assert asked({"5": "PREEMPTED"}, {"5": "PENDING"})[1] == {"5": "PENDING"}


def test_a_job_that_slurm_forgot_has_ended(asked) -> None:
    assert asked({"6": "RUNNING"}, None, {}) == [
        {"6": "RUNNING"},
        None,
        {"6": "UNKNOWN"},
    ]


def test_a_job_that_cannot_start_is_told_of_once(asked, caplog) -> None:
    asked(*[{"7": "PENDING", "8": "PENDING"}] * 2)
    assert caplog.text.count("Slurm does not start job 7 (PartitionTimeLimit)") == 1
    assert "job 8" not in caplog.text


def test_accounting_is_asked_only_where_it_answers(monkeypatch, tmp_path) -> None:
    program = tmp_path / "sacct"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(partition, "FASTEST_ANSWER", 0.2)
    for text, works in (("exit 0", True), ("exit 1", False), ("exec sleep 9", False)):
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        slurm.accounting_works.cache_clear()
        assert slurm.accounting_works() is works, text


def test_the_error_of_a_group_is_told(caplog) -> None:
    executor = SimpleNamespace(logger=logging.getLogger("snakemake"))
    reported = []

    def report(*arguments: object, **named: object) -> None:
        reported.append((arguments, named))

    for grouped in (True, False):
        job = SimpleNamespace(job=SimpleNamespace(is_group=lambda kind=grouped: kind))
        tell_of_groups(report)(executor, job, msg=f"refused {grouped}")
    # a formatter that other tests leave behind may add to it
    assert [message.endswith("refused True") for message in caplog.messages] == [True]
    assert len(reported) == 2


def test_the_executor_has_what_is_watched() -> None:
    """Names that another version of the plugin may not have."""
    import snakemake_executor_plugin_slurm as plugin

    assert callable(plugin.query_job_status)
    assert callable(plugin.SubmittedJobInfo)
    assert callable(plugin.Executor.get_partition_arg)
    assert all(hasattr(plugin.Executor, name) for name in slurm.WATCHED)
    assert hasattr(sys.modules[slurm.ON_A_NODE].Executor, "cores")
