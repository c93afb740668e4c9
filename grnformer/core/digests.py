"""What is in a file or folder, as a short text: a digest of all its bytes, or of samples where it is large."""

from __future__ import annotations

import hashlib
from pathlib import Path

# of what is read of a large file or folder: blocks evenly spaced from its first byte to its last
N_SAMPLES, SAMPLE = 16, 2**16


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def files_below(path: str | Path) -> list[Path]:
    """The file itself, or all files of a folder by name; none where nothing is there."""
    path = Path(path)
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


def describe_content(path: str | Path, read_up_to: int) -> str:
    """Digest of a file or folder, whatever its dates; empty where nothing is there.

    ``sha256:`` of a file, as sha256sum prints it; ``files:`` of a folder, with the names of its files; ``samples:`` of
    either where it has more than `read_up_to` bytes: of names, sizes and 1 MiB in 16 blocks.
    """
    files = files_below(path)
    if not files:
        return ""
    sizes = [file.stat().st_size for file in files]
    if sum(sizes) > read_up_to:
        return f"samples:{_hash(Path(path), files, sizes, sampled=True)}"
    if files == [Path(path)]:
        return f"sha256:{sha256(path)}"
    return f"files:{_hash(Path(path), files, sizes, sampled=False)}"


def _hash(top: Path, files: list[Path], sizes: list[int], *, sampled: bool) -> str:
    digest = hashlib.sha256()
    for file, size in zip(files, sizes, strict=True):
        digest.update(f"{file.relative_to(top)}\0{size}\0".encode())
        if not sampled:
            digest.update(bytes.fromhex(sha256(file)))
    if sampled:
        for block in _samples(files, sizes):
            digest.update(block)
    return digest.hexdigest()


def _samples(files: list[Path], sizes: list[int]) -> list[bytes]:
    """Blocks of the files as if they were one."""
    last = max(sum(sizes) - SAMPLE, 0)
    starts = [last * i // (N_SAMPLES - 1) for i in range(N_SAMPLES)]
    blocks, before = [], 0
    for file, size in zip(files, sizes, strict=True):
        inside = [start - before for start in starts if before <= start < before + size]
        before += size
        # of a folder of many files, most are not opened
        if inside:
            with file.open("rb") as handle:
                for start in inside:
                    handle.seek(start)
                    blocks.append(handle.read(SAMPLE))
    return blocks
