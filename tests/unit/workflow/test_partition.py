"""Jobs ask for no more than the nodes of their partition have; what may be too little is said."""

import logging
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from grnformer.core.errors import InputError
from grnformer.workflow.partition import Demand, Node, ask_for_less, fit, nodes_of

SMALL = Node(cpus=4, memory=8000, gpus=0, minutes=120)
WIDE = Node(cpus=64, memory=120_000, gpus=0, minutes=120)
DEEP = Node(cpus=16, memory=900_000, gpus=2, minutes=120)


@pytest.fixture
def sinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`sinfo(text)`: sinfo of a cluster that tells this of every partition."""

    def say(told: str) -> None:
        program = tmp_path / "sinfo"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{told}\n')
        program.chmod(0o755)
        nodes_of.cache_clear()

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    yield say
    nodes_of.cache_clear()


def test_nodes_are_what_sinfo_tells(sinfo, tmp_path) -> None:
    sinfo(
        "echo '64|120000|gpu:a100:4(S:0-1),gpu:v100:2|1-02:30:00\n4|8000|(null)|infinite'"
    )
    assert nodes_of("a,b") == (
        Node(64, 120_000, 6, 26 * 60 + 30),
        Node(4, 8000, 0, math.inf),
    )
    nodes_of("a,b")
    assert (tmp_path / "asked").read_text().count("--partition a,b") == 1
    sinfo("echo '4|8000|gpu:2|2:00'")
    assert nodes_of("") == (Node(4, 8000, 2, 2),)
    sinfo("exit 1")
    assert nodes_of("") == ()


@pytest.mark.parametrize(
    ("demand", "nodes", "fitted"),
    [
        # what fits is left as it is
        (Demand(4, 8000, 120), [SMALL], Demand(4, 8000, 120)),
        (Demand(16), [SMALL], Demand(4)),
        (Demand(16, 5000), [SMALL, WIDE], Demand(16, 5000)),
        # the node with the memory has fewer CPUs
        (Demand(32, 500_000), [WIDE, DEEP], Demand(16, 500_000)),
        # each of two processes of a node
        (Demand(16, tasks=2), [SMALL], Demand(2, tasks=2)),
        (Demand(1, tasks=9), [SMALL], Demand(1, tasks=9)),
        (Demand(32, gpus=2), [WIDE, DEEP], Demand(16, gpus=2)),
    ],
)
def test_threads_follow_the_node_that_has_the_memory(demand, nodes, fitted) -> None:
    assert fit("a job", demand, "main", tuple(nodes)) == (fitted, [])


def test_less_memory_or_time_than_needed_is_said() -> None:
    asked = Demand(16, 9000, 121)
    fitted, warnings = fit("Job 3 (infer)", asked, "main", (SMALL,))
    assert fitted == Demand(4, 8000, 120)
    memory, time = warnings
    for words in ("Job 3 (infer)", "9000 MB", "partition main", "8000 MB"):
        assert words in memory
    assert "121 minutes; partition main allows 120" in time


def test_gpus_that_no_node_has_stop_the_job() -> None:
    with pytest.raises(InputError, match=r"asks for 3 GPUs; nodes of .* have 2 at"):
        fit("a job", Demand(1, gpus=3), "main", (SMALL, DEEP))


class Resources(SimpleNamespace):
    """As those of a job of Snakemake."""

    def get(self, name: str, default: object = None) -> object:
        return self.__dict__.get(name, default)


def job_of(threads: int, members: list[object] | None = None, **resources: int):
    """A job of Snakemake, or a group of jobs."""
    job = SimpleNamespace(jobid=1, name="made", is_group=lambda: bool(members))
    job.resources = Resources(_cores=threads, **resources)
    job._resources = job.resources.__dict__
    job.threads, job.jobs = threads, members
    return job


@pytest.fixture
def submitted():
    """`submitted(job)`: what is submitted of it, or the words by which it is refused."""

    def submit(job):
        left: list[object] = []
        executor = SimpleNamespace(
            get_partition_arg=lambda _: " -p main",
            logger=logging.getLogger("snakemake"),
            refuse=lambda _, why: left.append(why),
        )
        keep = ask_for_less(lambda _, job: left.append(dict(job._resources)))
        keep(executor, job)
        return left[0]

    return submit


def test_a_job_is_submitted_with_what_there_is(sinfo, submitted, caplog) -> None:
    sinfo("echo '4|8000|(null)|2:00:00'")
    job = job_of(16, mem_mb=9000, runtime=30)
    assert submitted(job) == {"_cores": 4, "mem_mb": 8000, "runtime": 30}
    assert "Job 1 (made) asks for 9000 MB" in caplog.text
    assert "Expected: GPUs that a node has" in submitted(job_of(1, gpu=1))


def test_a_group_too_large_for_a_node_runs_one_after_the_other(
    sinfo, submitted, caplog
) -> None:
    sinfo("echo '4|8000|(null)|infinite'")
    members = [job_of(2, mem_mb=5000, runtime=10), job_of(1, mem_mb=6000, runtime=20)]
    group = job_of(3, members, mem_mb=11_000, runtime=20)
    assert submitted(group) == {"_cores": 1, "mem_mb": 6000, "runtime": 30}
    assert not caplog.records


@pytest.mark.parametrize("told", ["exit 1", "echo unheard of"])
def test_without_an_answer_a_job_is_submitted_as_it_is(sinfo, submitted, told) -> None:
    sinfo(told)
    assert submitted(job_of(99, mem_mb=10**6)) == {"_cores": 99, "mem_mb": 10**6}
