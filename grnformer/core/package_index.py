"""Source archives of packages, found as pip does, but not built: pip runs a source archive's code to read its name."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

_TIMEOUT = 60  # seconds without an answer


def download_sdist(package: str, version: str, folder: Path) -> Path:
    """Put <package>-<version>.tar.gz into `folder` from pip's own places: find-links, index and extra indexes.

    Raises
    ------
    OSError
        If none of them can be reached.
    ValueError
        If none of them has it.
    """
    settings = _pip_settings()
    spelt = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", package)))
    wanted = re.compile(rf"{spelt}-{re.escape(version)}\.tar\.gz", re.IGNORECASE)
    places = [*settings.get("find-links", [])]
    if "no-index" not in settings:
        indexes = [*settings.get("index-url", ["https://pypi.org/simple"]), *settings.get("extra-index-url", [])]
        normal = re.sub(r"[-_.]+", "-", package).lower()
        places += [f"{index.rstrip('/')}/{normal}/" for index in indexes]
    failure: OSError | None = None
    for place in places:
        try:
            for address in _files_at(place):
                name = urllib.parse.unquote(address.partition("#")[0].rpartition("/")[2])
                if wanted.fullmatch(name):
                    target = folder / name
                    _copy(address.partition("#")[0], target)
                    return target
        except OSError as error:
            failure = error
    if failure:
        raise failure
    raise ValueError(f"no source archive of {package} {version} in {', '.join(places)}")


def _pip_settings() -> dict[str, list[str]]:
    """Where pip looks, by its files and environment variables (which go before them)."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    settings: dict[str, list[str]] = {}
    for scope in (r"(?:global|user|site|download)\.", r":env:\."):
        for key, value in re.findall(rf"^{scope}([a-z-]+)='(.*)'$", listed, re.MULTILINE):
            settings[key] = value.replace("\\n", " ").split()
    return settings


def _files_at(place: str) -> list[str]:
    """Addresses of the files that a folder or a page of links offers."""
    if "://" not in place:
        return [path.as_uri() for path in sorted(Path(place).glob("*.tar.gz"))]
    if place.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urllib.parse.urlsplit(place).path))
        pages = [folder / "index.html"] if (folder / "index.html").is_file() else []
        if not pages:
            return [path.as_uri() for path in sorted(folder.glob("*.tar.gz"))]
        text = pages[0].read_text(encoding="utf-8")
    else:
        request = urllib.request.Request(place, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as page:
            text = page.read().decode("utf-8")
    return [urllib.parse.urljoin(place, html.unescape(link)) for link in re.findall(r'href="([^"]+)"', text)]


def _copy(address: str, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    with urllib.request.urlopen(address, timeout=_TIMEOUT) as source, part.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    part.rename(target)
