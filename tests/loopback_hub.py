"""A hub of data sets and models on this machine: it answers as a real one does, or as a hostile one might."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 9999\n" % (b"0" * 64)
#: Whose files are kept by Git LFS.
LARGE = (".parquet", ".safetensors")


@dataclass
class Hub:
    """`files` are contents by (name, revision, path). What a request is answered may be put in its place in `lies`: a
    status, an address to go to, or bytes; `sizes` are what is claimed. `asked` are the requests that came, each with
    its token. Until `go` is set, a file in `held` is sent by halves; one in `cut` breaks off after the first
    half, once."""

    address: str = ""
    files: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    lies: dict[str, int | str | bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    go: threading.Event = field(default_factory=threading.Event)

    def put(self, name: str, path: str, content: bytes, revision: str = "refs/convert/parquet") -> None:
        self.files[name, revision, path] = content

    def tree(self, name: str, revision: str) -> list[dict[str, Any]] | None:
        found = [
            {
                "type": "file", "path": path, "size": self.sizes.get(path, len(content)),
                "oid": hashlib.sha1(content).hexdigest(),
            }
            | ({"lfs": _lfs(content, self.sizes.get(path, len(content)))} if path.endswith(LARGE) else {})
            for (other, where, path), content in self.files.items()
            if (other, where) == (name, revision)
        ]  # fmt: skip
        folders = sorted({item["path"].rpartition("/")[0] for item in found} - {""})
        return [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in folders] + found or None

    def answer(self, path: str) -> int | str | bytes:
        """A status, an address to go to, or a content."""
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if parts[:2] in (["api", "datasets"], ["api", "models"]):
            tree = self.tree("/".join(parts[2:4]), parts[5])
            return 404 if tree is None else json.dumps(tree).encode()
        parts = parts[1:] if parts[:1] == ["datasets"] else parts
        return self.files.get(("/".join(parts[:2]), parts[3], "/".join(parts[4:])), 404) if len(parts) > 4 else 404


def _lfs(content: bytes, size: int) -> dict[str, Any]:
    return {"oid": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 130}


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that listens until the block is through."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append((self.path, self.headers.get("authorization")))
            path = unquote(urlsplit(self.path).path)
            found = next((lie for end, lie in hub.lies.items() if path.endswith(end)), None)
            if found is None:
                found = hub.answer(self.path)
            if isinstance(found, int):
                self.send_error(found)
            elif isinstance(found, str):
                self.send_response(302)
                self.send_header("location", found)
                self.end_headers()
            else:
                self._send(found, path)

        def _send(self, content: bytes, path: str) -> None:
            begins = int((self.headers.get("range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            content = content[begins:]
            self.send_response(206 if begins else 200)
            self.send_header("content-type", "application/json" if path.startswith("/api") else "application/x")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            ends = next((end for end in hub.cut if path.endswith(end)), None)
            if ends is not None:
                hub.cut.remove(ends)
                self.wfile.write(content[: len(content) // 2])
                return
            half = len(content) // 2 if any(path.endswith(end) for end in hub.held) else 0
            self.wfile.write(content[:half])
            self.wfile.flush()
            if half:
                hub.go.wait(30)
            self.wfile.write(content[half:])

        def log_message(self, *_words: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_request: Any) -> None:
            """Whoever asked is gone: that is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub that HF_ENDPOINT names, and nothing in between; this machine has a token, which is nobody else's."""
    with running() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.setenv("NO_PROXY", "*")
        yield found


def pairs(*questions: str) -> bytes:
    """A Parquet file with a pair for each question."""
    return table([{"prompt": text, "chosen": f"{text} Yes.", "rejected": f"{text} No."} for text in questions])


def table(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()
