"""Jobs that ask Slurm for no more than the nodes of their partition have, else they would wait for ever."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from grnformer.core.errors import InputError

FASTEST_ANSWER = (
    10  # seconds; some of Slurm's commands wait for ever where a daemon is gone
)


def answer(*command: str) -> str | None:
    """What a command says; None where it fails, is not there or does not answer."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=FASTEST_ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout


@dataclass(frozen=True)
class Node:
    """What a node of a partition has: CPUs, memory in MB, GPUs, and the longest time of a job in minutes."""

    cpus: int
    memory: int
    gpus: int
    minutes: float


@dataclass(frozen=True)
class Demand:
    """What a job asks for on each of its nodes; None of what it does not say."""

    threads: int
    memory: int | None = None
    minutes: int | None = None
    gpus: int = 0
    tasks: int = 1


@cache
def nodes_of(partition: str) -> tuple[Node, ...]:
    """The kinds of nodes of a partition (several: ``a,b``; all: no name); none where sinfo does not tell."""
    chosen = ["--partition", partition] if partition else []
    told = answer("sinfo", "--noheader", "--exact", "--format=%c|%m|%G|%l", *chosen)
    nodes = [line.split("|") for line in (told or "").splitlines()]
    return tuple(
        Node(int(cpus), int(memory), _gpus(gres), _minutes(longest))
        for cpus, memory, gres, longest in nodes
    )


def _gpus(gres: str) -> int:
    """GPUs in ``gpu:2`` or ``gpu:a100:4(S:0-1),shard:8``."""
    return sum(map(int, re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres)))


def _minutes(longest: str) -> float:
    """Minutes in ``days-hours:minutes:seconds``, of which the first parts may lack; no limit in other words."""
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", longest.strip())
    if found is None:
        return math.inf
    days, hours, minutes, _ = (int(part or 0) for part in found.groups())
    return (24 * days + hours) * 60 + minutes


def fit(
    name: str, demand: Demand, partition: str, nodes: tuple[Node, ...]
) -> tuple[Demand, list[str]]:
    """Return what a job can ask for at most, and what to warn of.

    Fewer threads give the same results, and nothing is said. With less memory or time the job may fail, which is said.

    Raises
    ------
    InputError
        If no node has the GPUs.
    """
    with_gpus = [node for node in nodes if node.gpus >= demand.gpus]
    where = f"partition {partition}" if partition else "the cluster"
    if not with_gpus:
        raise InputError(
            f"{name} asks for {demand.gpus} GPUs; nodes of {where} have {max(node.gpus for node in nodes)} at most.",
            "GPUs that a node has.",
            "Name a partition that has them (slurm_partition), or ask for fewer: --set-resources RULE:gpu=…",
        )

    needed = demand.memory or 0
    enough = [node for node in with_gpus if node.memory >= needed]
    if enough:
        node = max(enough, key=lambda node: (node.minutes, node.cpus))
    else:
        node = max(with_gpus, key=lambda node: (node.memory, node.minutes, node.cpus))

    warnings = []
    remedy = "Another partition: --set-resources RULE:slurm_partition=…"
    if needed > node.memory:
        warnings.append(
            f"{name} asks for {needed} MB of memory; the largest node of {where} has {node.memory} MB. "
            f"It is submitted with these, and ends with OUT_OF_MEMORY where they do not do. {remedy}."
        )
    if (demand.minutes or 0) > node.minutes:
        warnings.append(
            f"{name} asks for {demand.minutes} minutes; {where} allows {node.minutes:g}. "
            f"It is submitted with these, and ends with TIMEOUT where they do not do. {remedy}."
        )
    fitted = replace(
        demand,
        threads=max(1, min(demand.threads, node.cpus // demand.tasks)),
        memory=_least(demand.memory, node.memory),
        minutes=_least(demand.minutes, node.minutes),
    )
    return fitted, warnings


def _least(asked: int | None, most: float) -> int | None:
    return None if asked is None else int(min(asked, most))


def demand_of(job: Any) -> Demand:
    """What a job of Snakemake asks for on each of its nodes."""

    def number(name: str) -> int | None:
        value = job.resources.get(name)
        return value if isinstance(value, int) else None

    nodes = number("nodes") or 1
    return Demand(
        job.threads,
        number("mem_mb"),
        number("runtime"),
        math.ceil((number("gpu") or 0) / nodes),
        math.ceil((number("tasks") or 1) / nodes),
    )


def one_after_the_other(job: Any) -> Demand:
    """What a group of jobs asks for in one thread."""
    each = [demand_of(member) for member in job.jobs]
    return Demand(
        1,
        max((one.memory or 0 for one in each), default=0) or None,
        sum(one.minutes or 0 for one in each) or None,
    )


def ask_for_less(submit: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Return `submit` (of an executor and a job), which first fits what the job asks for to the nodes of its partition.

    Where sinfo does not answer, the job is submitted as it is.
    """

    def submit_fitted(executor: Any, job: Any) -> None:
        try:
            fit_job(executor, job)
        except InputError as error:
            executor.refuse(job, str(error))
            return
        # in the executor's thread nobody would see it, and the job would be waited for
        except Exception as error:
            executor.logger.warning(f"Job {job.jobid} is submitted as it is: {error}")
        submit(executor, job)

    return submit_fitted


def fit_job(executor: Any, job: Any) -> None:
    """Let a job ask for no more than a node of its partition has, and warn where that may be too little."""
    partition = (shlex.split(executor.get_partition_arg(job)) or [""])[-1]
    nodes = nodes_of(partition)
    if not nodes:
        return

    demand = demand_of(job)
    largest = max(node.memory for node in nodes)
    if job.is_group() and (demand.memory or 0) > largest:
        demand = one_after_the_other(job)
    fitted, warnings = fit(f"Job {job.jobid} ({job.name})", demand, partition, nodes)
    for warning in warnings:
        executor.logger.warning(warning)

    change(job, "_cores", fitted.threads)
    for name, amount in (("mem_mb", fitted.memory), ("runtime", fitted.minutes)):
        if amount is not None:
            change(job, name, amount)


def change(job: Any, name: str, amount: int) -> None:
    """Set a resource of a job that is planned; the next attempt plans anew."""
    if job.is_group():
        job._resources[name] = amount
    else:
        setattr(job.resources, name, amount)


def tell_cores(arguments: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """Return `arguments` (of an executor and a job), which let the job on its node use what was asked for, no more."""

    def told(executor: Any, job: Any) -> str:
        # the last of two holds
        return f"{arguments(executor, job)} --cores {job.threads}"

    return told
