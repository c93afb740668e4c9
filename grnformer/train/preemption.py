"""Signals by which a cluster announces that it takes a machine away: noted, and obeyed at the end of the step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AFFECTS_RESULTS = False
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
MARK = "stopped.txt"
EXIT_CODE = 75  # "temporary failure" of sysexits.h: start again, and it goes on


class Preempted(SystemExit):
    """Training was told to stop and has saved a checkpoint; the process ends with EXIT_CODE."""

    def __init__(self, message: str) -> None:
        super().__init__(EXIT_CODE)
        self.message = message

    def __str__(self) -> str:
        return self.message


def mark(folder: Path, message: str) -> None:
    """Leave word that a run was stopped: what starts several processes does not hand on their exit code."""
    (folder / MARK).write_text(message, encoding="utf-8")


def take_mark(folder: Path) -> str | None:
    """The word that `mark` left, which is removed."""
    path = folder / MARK
    if not path.exists():
        return None
    message = path.read_text(encoding="utf-8")
    # It must not speak for a later run.
    path.unlink()
    return message


class Notice:
    """Name of the last signal that came, None before; the first is handed on, once there is someone to."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._first: int | None = None
        self._to: Callable[[int], None] | None = None
        self._handed = False

    def note(self, number: int, _: Any) -> None:
        """Signal handler."""
        self.name = signal.Signals(number).name
        if self._first is None:
            self._first = number
        self._hand()

    def hand_on(self, to: Callable[[int], None]) -> None:
        """Call `to` with the number of the first signal, now if it came already."""
        self._to = to
        self._hand()

    def _hand(self) -> None:
        if self._to is not None and self._first is not None and not self._handed:
            self._handed = True
            self._to(self._first)


@contextmanager
def preemption_notice() -> Iterator[Notice]:
    """Take SIGTERM and SIGUSR1 down as a notice meanwhile (in the main thread, the one that gets signals)."""
    notice = Notice()
    if threading.current_thread() is not threading.main_thread():
        yield notice
        return

    before = {number: signal.signal(number, notice.note) for number in SIGNALS}
    try:
        yield notice
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
