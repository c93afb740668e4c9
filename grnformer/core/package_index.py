"""Source archives of packages, found where pip would find them but not built: pip runs their code to read metadata."""

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
    """Download <package>-<version>.tar.gz to `folder` from where pip looks: find-links, index and extra indexes.

    Raises
    ------
    OSError
        If none of them can be reached.
    ValueError
        If none of them has it.
    """
    places = places_of(package)
    # Archives spell the package with any of the three separators.
    spelt = re.sub(r"[-_.]+", "[-_.]+", package)
    wanted = re.compile(rf"{spelt}-{re.escape(version)}\.tar\.gz", re.IGNORECASE)
    failure: OSError | None = None
    for place in places:
        # A place that cannot be reached fails the whole only if no other place has the archive.
        try:
            for address in _files_at(place):
                url = urllib.parse.urldefrag(address).url
                name = urllib.parse.unquote(url.rpartition("/")[2])
                if wanted.fullmatch(name):
                    _copy(url, folder / name)
                    return folder / name
        except OSError as error:
            failure = error

    raise failure or ValueError(
        f"no source archive of {package} {version} in {', '.join(places)}"
    )


def places_of(package: str) -> list[str]:
    """Folders and pages of links where pip would look for the package."""
    settings = _pip_settings()
    links = settings.get("find-links", [])
    if "no-index" in settings:
        return links

    # Indexes name the package's page by its normalised name.
    indexes = settings.get("index-url", ["https://pypi.org/simple"]) + settings.get(
        "extra-index-url", []
    )
    normal = re.sub(r"[-_.]+", "-", package).lower()
    return links + [f"{index.rstrip('/')}/{normal}/" for index in indexes]


def _pip_settings() -> dict[str, list[str]]:
    """Where pip looks, by its files and its environment variables, which take precedence."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    # Environment variables last: they overwrite what the files set.
    settings: dict[str, list[str]] = {}
    for scope in (r"(?:global|user|site|download)\.", r":env:\."):
        for key, value in re.findall(
            rf"^{scope}([a-z-]+)='(.*)'$", listed, re.MULTILINE
        ):
            settings[key] = value.replace("\\n", " ").split()
    return settings


def _files_at(place: str) -> list[str]:
    """Addresses of the files that a folder or a page of links offers."""
    if "://" not in place:
        return _archives_in(Path(place))
    if place.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urllib.parse.urlsplit(place).path))
        page = folder / "index.html"
        if not page.is_file():
            return _archives_in(folder)
        place = page.as_uri()

    request = urllib.request.Request(place, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        links = re.findall(r'href="([^"]+)"', answer.read().decode("utf-8"))
    return [urllib.parse.urljoin(place, html.unescape(link)) for link in links]


def _archives_in(folder: Path) -> list[str]:
    return [path.as_uri() for path in sorted(folder.glob("*.tar.gz"))]


def _copy(address: str, target: Path) -> None:
    # Renamed when complete: an archive that is there is taken for whole by the next job.
    part = target.with_name(f"{target.name}.part")
    with (
        urllib.request.urlopen(address, timeout=_TIMEOUT) as source,
        part.open("wb") as sink,
    ):
        shutil.copyfileobj(source, sink)
    part.rename(target)
