"""The table of a benchmark: rows of ours against a reference, printed and written as TSV."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from harness import HERE, Measured
from scipy import stats

COLUMNS = ["what", "unit", "ours", "reference", "ratio", "target", "met"]


class Table:
    """Rows `what, unit, ours, reference, ratio, target, met`; `ratio` is how many times better ours is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[tuple] = []

    def add_cost(
        self,
        what: str,
        unit: str,
        ours: float,
        reference: float,
        at_least: float | None = None,
    ) -> None:
        """Less is better: the ratio is reference / ours, to be `at_least`."""
        ratio = reference / ours
        target = "" if at_least is None else f"ratio >= {at_least:g}"
        self._add(
            what,
            unit,
            ours,
            reference,
            ratio,
            target,
            None if at_least is None else ratio >= at_least,
        )

    def add_costs(
        self,
        what: str,
        ours: Measured,
        reference: Measured,
        at_least: float | None = None,
    ) -> None:
        """CPU (with the target), wall and memory of two runs."""
        self.add_cost(f"{what}: CPU", "s", ours.cpu, reference.cpu, at_least)
        self.add_cost(f"{what}: wall, one core", "s", ours.wall, reference.wall)
        self.add_cost(
            f"{what}: memory added at peak",
            "MB",
            max(ours.memory, 0.1),
            max(reference.memory, 0.1),
        )

    def add_score(
        self,
        what: str,
        unit: str,
        ours: float,
        reference: float,
        slack: float | None = None,
    ) -> None:
        """More is better: ours is to be at least the reference less `slack`."""
        target = (
            ""
            if slack is None
            else "ours >= reference" + (f" - {slack:g}" if slack else "")
        )
        ratio = ours / reference if reference > 0 else float("nan")
        self._add(
            what,
            unit,
            ours,
            reference,
            ratio,
            target,
            None if slack is None else ours >= reference - slack,
        )

    def add_bound(self, what: str, unit: str, ours: float, at_most: float) -> None:
        """A figure of ours that must stay below a bound."""
        self._add(
            what,
            unit,
            ours,
            float("nan"),
            float("nan"),
            f"ours < {at_most:g}",
            ours < at_most,
        )

    def add_check(
        self,
        what: str,
        unit: str,
        ours: float,
        reference: float,
        target: str,
        met: bool,
    ) -> None:
        """Less is better, beside a reference; whether it met its target is told apart from both."""
        self._add(what, unit, ours, reference, reference / ours, target, met)

    def add_figure(self, what: str, unit: str, ours: float) -> None:
        """A figure of ours without a reference or target."""
        self._add(what, unit, ours, float("nan"), float("nan"), "", None)

    def add_paired(
        self,
        what: str,
        unit: str,
        ours: np.ndarray,
        reference: np.ndarray,
        *,
        more_is_better: bool,
        decides: bool,
    ) -> None:
        """Means over paired runs; where it `decides`, the 95% interval (Student's t) of our gain must be above 0."""
        gain = ours - reference if more_is_better else reference - ours
        half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
        low, high = gain.mean() - half, gain.mean() + half
        mean, other = ours.mean(), reference.mean()
        ratio = (
            (mean / other if more_is_better else other / mean)
            if min(mean, other) > 0
            else float("nan")
        )
        interval = f"gain {gain.mean():.3g} [{low:.3g}, {high:.3g}]"
        self._add(
            what,
            unit,
            mean,
            other,
            ratio,
            interval + " > 0" * decides,
            low > 0 if decides else None,
        )

    def _add(self, what, unit, ours, reference, ratio, target, met) -> None:
        self.rows.append(
            (
                what,
                unit,
                ours,
                reference,
                ratio,
                target,
                {None: "", True: "yes", False: "no"}[met],
            )
        )

    def write(self, folder: Path = HERE / "results") -> None:
        """Write <folder>/<name>.tsv and print the table."""
        table = pd.DataFrame(self.rows, columns=COLUMNS)
        for column in ("ours", "reference", "ratio"):
            table[column] = [
                f"{value:.4g}" if value == value else "" for value in table[column]
            ]
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"{self.name}.tsv", sep="\t", index=False)
        say(table.to_string(index=False, justify="left"))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
