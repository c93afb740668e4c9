"""What Snakemake prints, read line by line: jobs done of each stage, and the time left."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from grnformer.workflow.stages import rules_by_stage, stage_of

_COUNT = re.compile(r"^(\w+) +(\d+)$")
_FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)")
_STARTED = re.compile(r"^(Job \d+: |(local)?(rule|checkpoint) \w+:)")
#: lines that begin what a user must see; what is indented below them belongs to them
_TOLD = re.compile(
    r"^(\w*(Error|Exception)\b|Error in |Found: |Expected: |To mend it: |Warning|WARNING|Traceback|Removing output"
    r"|Nothing to be done|Shutting down|Complete log|Exiting|Failed|[\w.]+\.py: )"
)
_LEAST = 0.05  # of the work, before a time left is said


@dataclass
class Progress:
    """State of a run.

    Parameters
    ----------
    weights
        Rule -> minutes that one of its jobs asks for: what a job counts in the time left. Others count 1.
    clock
        Seconds, of any beginning.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    planned: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    latest: str = ""
    _in_table: bool = False
    _telling: bool = False
    _began: float | None = None

    def read(self, line: str) -> str | None:
        """Take a line of Snakemake's output; the line itself if a user must see it."""
        line = line.rstrip("\n")
        if self._in_table or line.startswith("job  "):
            self._take_count(line)
            return None
        if finished := _FINISHED.match(line):
            self.latest = finished[1]
            self.done[self.latest] += 1
        elif self._began is None and _STARTED.match(line):
            self._began = self.clock()

        self._telling = bool(_TOLD.match(line)) or (
            self._telling and line.startswith((" ", "\t"))
        )
        return line if self._telling else None

    def _take_count(self, line: str) -> None:
        """A line of the table of jobs, which begins with its header and ends with the total."""
        self._in_table = not line.startswith("total")
        count = _COUNT.match(line)
        # a target that only names files is no work
        if count and count[1] != "total" and count[1] not in _targets():
            self.planned[count[1]] = int(count[2])

    def by_stage(self) -> list[tuple[str, int, int]]:
        """Stage, jobs done, jobs planned; of stages with any, in their order."""
        rows = []
        for stage in [*rules_by_stage(), "other"]:
            rules = [rule for rule in self.planned if stage_of(rule) == stage]
            planned = sum(self.planned[rule] for rule in rules)
            # a job that failed and was run again is one
            done = sum(min(self.done[rule], self.planned[rule]) for rule in rules)
            if planned:
                rows.append((stage, done, planned))
        return rows

    def seconds_left(self) -> float | None:
        """By the work done so far, in the minutes that jobs ask for; None while that says little."""
        whole = self._work(self.planned)
        done = self._work(
            {rule: min(n, self.planned[rule]) for rule, n in self.done.items()}
        )
        if self._began is None or not whole or done < _LEAST * whole:
            return None
        return (self.clock() - self._began) * (whole - done) / done

    def _work(self, jobs: Mapping[str, int]) -> float:
        return sum(self.weights.get(rule, 1) * number for rule, number in jobs.items())


def _targets() -> set[str]:
    """Rules that only name files."""
    return {"all", "fetch", *rules_by_stage()}


def in_words(seconds: float | None) -> str:
    """A time left, such as "about 3 min left"; "" where it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"
