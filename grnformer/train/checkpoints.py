"""Checkpoints of a training run: written whole or not at all, checked when read, the newest few kept."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import re
from pathlib import Path
from typing import Any

import torch

from grnformer.core.io import write_faults_named

logger = logging.getLogger(__name__)
_NAME = re.compile(r"(?P<key>[0-9a-f]{12})-(?P<step>\d{9})\.ckpt")
# what a killed process may leave among them
_SUFFIXES = (".ckpt", ".sha256", ".partial", ".partial_sha256")


class Checkpoints:
    """Checkpoints of one run in a folder, named by the run's identity and the step.

    A process killed at any moment leaves only complete files behind: a file gets its name once it is on the disk, after
    its SHA-256 (the same name and .sha256). Files hold tensors, numbers and strings, and are read as such.

    Parameters
    ----------
    folder
        Where they lie; made when the first is written.
    key
        Identity of the run (hexadecimal): a checkpoint of another one is never continued.
    keep
        How many of the newest are kept.
    """

    def __init__(self, folder: Path, key: str, keep: int) -> None:
        self.folder, self.key, self.keep = folder, key, keep

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write the state after `step` steps, then remove what is older than the newest few, or of another run.

        Raises
        ------
        InputError
            If there is no room; checkpoints from before stay.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.key[:12]}-{step:09d}.ckpt"
        partial = path.with_suffix(".partial")

        # The order matters: contents on the disk, then the hash, then the name. After a crash in between there is a
        # file without a hash, or a hash without a file, and never a name with half of its contents.
        with write_faults_named(self.folder, partial):
            with partial.open("wb") as file:
                torch.save({"key": self.key, "step": step, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            _write_line(path.with_suffix(".sha256"), _digest(partial))
            partial.replace(path)
        _sync_folder(self.folder)

        # Older ones go only now that the new one is safe.
        kept = {f.stem for f in self._own()[: self.keep]}
        for old in self.folder.iterdir():
            if old.suffix in _SUFFIXES and old.stem not in kept:
                old.unlink()
        return path

    def newest(self) -> Path | None:
        """The newest complete checkpoint of this run; a damaged one is named in the log and the one before it taken."""
        others = [
            path for path in self._all() if not path.name.startswith(self.key[:12])
        ]
        if others:
            names = ", ".join(path.name for path in others)
            logger.info("of other settings, data or code, not continued: %s", names)

        for path in self._own():
            damage = self._damage(path)
            if damage is None:
                return path
            logger.warning(
                "the checkpoint %s is damaged (%s); taking the one before it",
                path,
                damage,
            )
        return None

    def read(self, path: Path) -> dict[str, Any]:
        """What `save` was given, with key and step; on the CPU."""
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state

    def _damage(self, path: Path) -> str | None:
        beside = path.with_suffix(".sha256")
        if not beside.exists():
            return f"{beside.name} is missing"
        # The hash before the contents: torch reads only what was written whole.
        if _digest(path) != beside.read_text(encoding="utf-8").strip():
            return f"its SHA-256 is not that of {beside.name}"

        try:
            found = self.read(path)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            return f"it cannot be read: {error}"

        # Its name has 12 digits of the key; the file has all.
        return None if found.get("key") == self.key else "it is of another run"

    def _all(self) -> list[Path]:
        if not self.folder.exists():
            return []
        return sorted(
            path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)
        )

    def _own(self) -> list[Path]:
        """Newest first."""
        return [
            path
            for path in reversed(self._all())
            if path.name.startswith(self.key[:12])
        ]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_line(path: Path, line: str) -> None:
    # Not .partial: that is the checkpoint itself, still to be renamed.
    partial = path.with_suffix(".partial_sha256")
    with write_faults_named(path.parent, partial):
        with partial.open("w", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def _sync_folder(folder: Path) -> None:
    """Bring renamed names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
