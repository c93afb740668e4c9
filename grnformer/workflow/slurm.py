"""What Slurm says of jobs, in words, and asked where it can be asked.

Snakemake's executor for Slurm leaves some of it open: a job that was killed for its memory counts as failed, one that
was preempted or cancelled for good is waited for, and so is one that no node can ever run.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

from grnformer.workflow.partition import answer, ask_for_less, tell_cores

States = dict[str, str]
Query = Callable[[str, Any], Awaitable[tuple[States | None, float | None]]]

PLUGIN = "snakemake_executor_plugin_slurm"
ON_A_NODE = "snakemake_executor_plugin_slurm_jobstep"
LOGS = Path(".snakemake/slurm_logs")
MORE = "Retries ask for more. From the start: --set-resources RULE:"
UNFINISHED = ("PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED")
PATIENCE = 3  # answers
#: state of a job that ended -> what happened, what to do
ENDINGS = {
    "OUT_OF_MEMORY": f"it needed more memory than it had asked for. {MORE}mem_mb=…",
    "TIMEOUT": f"it ran longer than it had asked for. {MORE}runtime=… (minutes)",
    "NODE_FAIL": "its node failed. Slurm starts it again, or a retry does",
    "PREEMPTED": "another job took its place, and Slurm does not start it again. A retry does",
    "CANCELLED": "somebody cancelled it (scancel)",
}
#: by these Slurm says in the log of a job, which counts as failed, that it was killed for its memory
OUT_OF_MEMORY = ("exceeded memory limit", "oom_kill", "oom-kill", "Out Of Memory")
#: reasons of waiting that no time mends
NEVER = (
    "AssocMax",
    "BadConstraints",
    "Invalid",
    "JobHeld",
    "Partition",
    "QOSMax",
    "ReqNodeNotAvail",
)
WAITING = (
    "it may ask for more CPUs, memory, time or GPUs than you may use. "
    "Ask for less: cores of the profile, --set-resources RULE:mem_mb=…"
)


#: what of the executor is replaced, besides its query
WATCHED = (
    "get_job_args",
    "get_status_command",
    "report_job_error",
    "run_job",
    "_report_job_error_threadsafe",
)


def watch_jobs() -> None:
    """Let the executor for Slurm, if it is there, ask and tell of jobs by what is below."""
    plugin: Any = sys.modules.get(PLUGIN)
    if plugin is None or hasattr(plugin, "watched"):
        return
    # in a version of it that has other names, its own words have to do
    executor: Any = getattr(plugin, "Executor", None)
    if not hasattr(plugin, "query_job_status"):
        return
    if not all(hasattr(executor, name) for name in WATCHED):
        return

    plugin.watched = True
    plugin.query_job_status = Watch(plugin.query_job_status).ask
    executor.get_status_command = lambda _: "sacct" if accounting_works() else "squeue"
    executor.report_job_error = tell_of_groups(executor.report_job_error)

    executor.refuse = lambda self, job, why: self._report_job_error_threadsafe(
        plugin.SubmittedJobInfo(job), why
    )
    executor.run_job = ask_for_less(executor.run_job)
    executor.get_job_args = tell_cores(executor.get_job_args)
    # there, else, all CPUs of the node
    sys.modules[ON_A_NODE].Executor.cores = property(
        lambda self: self.workflow.resource_settings.cores
    )


def tell_of_groups(report: Callable[..., None]) -> Callable[..., None]:
    """Return `report` (of an executor, a job and its error), which keeps the error of a group to itself, telling it."""

    def told(executor: Any, job: Any, msg: str | None = None, **rest: Any) -> None:
        if msg and job.job.is_group():
            executor.logger.error(msg)
        report(executor, job, msg=msg, **rest)

    return told


@cache
def accounting_works() -> bool:
    """Whether sacct answers."""
    return answer("sacct", "-X", "--noheader", "--format=JobIdRaw") is not None


class Watch:
    """Asks for the states of a run's jobs, makes them plain, and tells of each ending once.

    Parameters
    ----------
    query
        The executor's function: of a command (squeue, sacct), the state of each job, by its number.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self.unfinished: set[str] = set()
        self.told: set[Any] = set()
        self.preempted: Counter[str] = Counter()

    async def ask(
        self, command: str, logger: Any
    ) -> tuple[States | None, float | None]:
        """Return the states, and the seconds that the answer took; None of both where there was none."""
        states, seconds = await self.query(command, logger)
        if states is None:
            return None, None

        # squeue forgets a job some minutes after its end: Snakemake then looks at its outputs
        ended = {job: "UNKNOWN" for job in self.unfinished if job not in states}
        states = {job: self._plain(job, state) for job, state in states.items()}
        self.unfinished = {job for job, state in states.items() if state in UNFINISHED}
        for job, state in states.items():
            if state in ENDINGS and job not in self.told:
                self.told.add(job)
                logger.error(f"Slurm ended job {job} ({state}): {ENDINGS[state]}.")
        if "PENDING" in states.values():
            self._tell_of_waiting(command, logger)

        # what the executor would wait for
        for job, state in states.items():
            ended[job] = "CANCELLED" if state == "PREEMPTED" else state
        return ended, seconds

    def _plain(self, job: str, state: str) -> str:
        """The state by one word, that of its log where this says more."""
        word = state.partition(" ")[0].rstrip("+")  # CANCELLED by 1000
        if word == "PREEMPTED":
            self.preempted[job] += 1
            # before that Slurm may be about to start it again
            return word if self.preempted[job] >= PATIENCE else "REQUEUED"
        return state_in_log(job) or word if word == "FAILED" else word

    def _tell_of_waiting(self, command: str, logger: Any) -> None:
        run = command.split("--name", 1)[-1].strip()
        listed = answer("squeue", "-h", "-t", "PENDING", "-o", "%i|%r", "--name", run)
        for line in (listed or "").split():
            job, _, reason = line.partition("|")
            if reason.startswith(NEVER) and (job, reason) not in self.told:
                self.told.add((job, reason))
                logger.warning(f"Slurm does not start job {job} ({reason}): {WAITING}.")


def state_in_log(job: str) -> str | None:
    """The state that Slurm tells in the log of a job; None where it tells none."""
    for log in LOGS.rglob(f"{job}.log"):
        said = [
            line
            for line in log.read_text(errors="replace").splitlines()
            if line.startswith("slurmstepd")
        ]
        if any(words in line for line in said for words in OUT_OF_MEMORY):
            return "OUT_OF_MEMORY"
    return None
