"""How training gets on: a bar on a terminal, else a line in the log from time to time; curves for TensorBoard."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from grnformer.core.costs import read_own_peak
from grnformer.core.errors import InputError

AFFECTS_RESULTS = False
logger = logging.getLogger(__name__)


def peak_memory(device: torch.device) -> float:
    """Highest memory so far, MB: of the GPU where training runs on one, else resident memory of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return read_own_peak()


class Progress:
    """Steps done, their speed, and when the last will be.

    Parameters
    ----------
    start, steps
        Steps done before, and in all.
    seconds
        Between lines in the log.
    unit
        Of the loss.
    shown
        Whether this process is the one that tells.
    """

    def __init__(
        self, start: int, steps: int, seconds: float, unit: str, *, shown: bool
    ) -> None:
        self.start, self.steps, self.seconds, self.shown = start, steps, seconds, shown
        self.unit = unit
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self.shown and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=self.steps, initial=self.start, unit="step", dynamic_ncols=True
            )
        self._begun = self._told = time.monotonic()
        self._paused = 0.0
        self._all_tokens = 0
        self._tokens, self._clock = 0, time.perf_counter()
        return self

    def advance(self, done: int, loss: float, tokens: int) -> None:
        """Take down a step of so many tokens (over all processes)."""
        self._tokens += tokens
        self._all_tokens += tokens
        if self._bar is not None:
            self._bar.update(1)
            self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            return

        now = time.monotonic()
        if self.shown and now - self._told >= self.seconds:
            self._told = now
            # By the mean pace since this process began, without held-out scores.
            pace = (now - self._begun - self._paused) / (done - self.start)
            logger.info(
                "step %d of %d (%.0f%%), loss %.4f %s, %.0f tokens/s, %s left",
                done,
                self.steps,
                100 * done / self.steps,
                loss,
                self.unit,
                self._all_tokens / (pace * (done - self.start)),
                format_seconds(pace * (self.steps - done)),
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time of the body out of pace and speed: held-out scores are no training."""
        begun = time.monotonic()
        yield
        self._paused += time.monotonic() - begun
        self._restart()

    def speed(self) -> float:
        """Tokens a second since this was last asked, without held-out scores."""
        speed = self._tokens / (time.perf_counter() - self._clock)
        self._restart()
        return speed

    def _restart(self) -> None:
        """Begin to count tokens and time anew."""
        self._tokens, self._clock = 0, time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def format_row(row: dict[str, Any], unit: str) -> str:
    """A row of the training curve as a line of the log."""
    rest = [
        f"{name.replace('_', ' ')} {_short(value)}"
        for name, value in row.items()
        if name not in ("step", "split", "epoch", "loss") and value is not None
    ]
    place = f"step {row['step']} (epoch {row['epoch']}), {row['split']}"
    return ", ".join([f"{place}: loss {row['loss']:.4f} {unit}", *rest])


def _short(value: float) -> str:
    """Few digits, without an exponent where the number is large."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def format_seconds(seconds: float) -> str:
    """Hours, minutes and seconds as 1:02:03."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Record:
    """Event files for TensorBoard; without a folder, nothing is written."""

    def __init__(self, folder: Path | None, start: int) -> None:
        self.folder, self.start = folder, start
        self._writer: Any = None

    def __enter__(self) -> Record:
        if self.folder is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise InputError(
                    f"tensorboard cannot be imported: {error}",
                    "the package tensorboard",
                    "set pretrain.tensorboard: false",
                ) from error
            # What was written after the last checkpoint is done again: taken back.
            self._writer = SummaryWriter(str(self.folder), purge_step=self.start + 1)
        return self

    def add(self, row: dict[str, Any]) -> None:
        """Add a row of the training curve: each number as <split>/<name>."""
        if self._writer is None:
            return
        for name, value in row.items():
            if name not in ("step", "split") and value is not None:
                self._writer.add_scalar(f"{row['split']}/{name}", value, row["step"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
