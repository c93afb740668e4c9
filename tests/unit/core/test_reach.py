"""Resources that can be had are told from those that cannot, without a download."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from grnformer.core import reach
from grnformer.core.reach import find_unreachable


class _Answers(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response({"/there": 200, "/no_head": 405}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), _Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_what_cannot_be_had_is_named_with_its_reason(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(reach.MIRROR_VARIABLE, raising=False)
    (tmp_path / "held").touch()
    index = {"a": [f"{server}/there"], "b": [f"{server}/gone", str(tmp_path / "no")]}
    monkeypatch.setattr(reach, "places_of", index.__getitem__)
    # `http` stands in for https: the address decides, and the kind is asked by its name.
    monkeypatch.setattr(
        reach, "_why_silent", lambda url, ask=reach._why_silent: ask(url.replace("https", "http"))
    )  # fmt: skip
    secure = server.replace("http", "https")
    entries = {
        "held": {"source": f"{secure}/gone"},
        "there": {"source": f"{secure}/there"},
        "no_head": {"source": f"{secure}/no_head"},
        "gone": {"source": f"{secure}/gone"},
        "made": {"source": "none:by hand"},
        "lost": {"source": f"path:{tmp_path}/lost"},
        "member": {"source": "pypi:a==1:x"},
    }
    assert find_unreachable(entries, str(tmp_path)) == {
        "gone": "HTTP 404",
        "made": "no public file: it comes from a mirror",
        "lost": "no such file",
    }
    other = {"member": {"source": "sdist:b==1:x"}}
    assert find_unreachable(other) == {"member": "no package index answers"}


def test_without_a_network_it_is_said_why() -> None:
    entries = {"far": {"source": "https://127.0.0.1:1/file"}}
    assert "refused" in find_unreachable(entries)["far"]
