"""A hub of data sets, asked by a process of its own: which files one has, and those files. Nothing is asked before a
person said so, no token is sent unless they said that too, and no script of a data set is ever fetched."""

import json
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import BadInput, KnownError, first_line
from core.jobs import line_process

PUBLIC = "https://huggingface.co"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Ports that go without saying.
USUAL = {"http": 80, "https": 443}
#: Whose files are data. Longer ones come first.
SUFFIXES = (".jsonl.gz", ".json.gz", ".csv.gz", ".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
#: Bytes of a file that a list may claim.
MOST_BYTES = 1 << 50

#: Told how many bytes have come; what it raises ends the work.
Tell = Callable[[int], object]


@dataclass(frozen=True)
class HubFile:
    """`path` is a stranger's and only ever asked for; `id` changes with the file's content."""

    path: str
    size: int
    sha256: str
    id: str

    @property
    def suffix(self) -> str:
        return next(suffix for suffix in SUFFIXES if self.path.lower().endswith(suffix))


def address() -> str:
    """The hub that is asked: HF_ENDPOINT, or the public one, as its client writes it. Raises `BadInput` where others
    could listen."""
    found = (os.environ.get("HF_ENDPOINT") or PUBLIC).strip().rstrip("/")
    try:
        to = urlsplit(found)
        port = to.port
    except ValueError as error:
        raise BadInput(f"HF_ENDPOINT is {found!r}, which is no address ({first_line(error)}).") from error
    if not to.hostname or not (to.scheme == "https" or (to.scheme == "http" and to.hostname in LOOPBACK)):
        raise BadInput(f"HF_ENDPOINT is {found!r}: only hubs behind https, or on this machine, are asked.")
    user, at, _ = to.netloc.rpartition("@")
    host = f"[{to.hostname}]" if ":" in to.hostname else to.hostname
    end = "" if port in (None, USUAL[to.scheme]) else f":{port}"
    return f"{to.scheme}://{user}{at}{host}{end}{to.path}"


def files(name: str, *, token: bool = False, tell: Tell | None = None) -> tuple[str, list[HubFile]]:
    """The data files of a data set `owner/name`, and the revision that they are in: the hub's own conversion to
    Parquet, or else what its makers put there. Raises `KnownError`."""
    found = _asked({"do": "list", "name": name, "suffixes": SUFFIXES}, token, tell)
    return str(found["revision"]), [item for item in map(_file, found["files"]) if item is not None]


def download(
    name: str, revision: str, wanted: Sequence[HubFile], folder: Path, *, token: bool = False, tell: Tell | None = None
) -> list[Path]:
    """Write the files into `folder` under names of our own. Raises `KnownError`; what came until then stays there."""
    asked = [{"path": item.path, "size": item.size, "sha256": item.sha256, "suffix": item.suffix} for item in wanted]
    _asked(
        {"do": "download", "name": name, "revision": revision, "files": asked, "folder": str(folder.absolute())},
        token, tell,
    )  # fmt: skip
    return [folder / f"{number:05d}{item.suffix}" for number, item in enumerate(wanted)]


def _file(item: dict[str, Any]) -> HubFile | None:
    """None for a name or a size that no data set has."""
    path, size = item["path"], item["size"]
    if not isinstance(path, str) or not isinstance(size, int) or not 0 <= size < MOST_BYTES or len(path) > 500:
        return None
    odd = not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in path.split("/"))
    return None if odd else HubFile(path, size, str(item["sha256"]), str(item["id"]))


def _asked(question: dict[str, Any], token: bool, tell: Tell | None) -> dict[str, Any]:
    endpoint = address()
    with closing(_answers(question | {"endpoint": endpoint, "token": token}, endpoint, token)) as answers:
        for found in answers:
            if "error" in found:
                raise KnownError(found["error"])
            if "bytes" not in found:
                return found
            if tell is not None:
                tell(found["bytes"])
    raise KnownError("The process that asks the hub ended before it was through: try again.")


def _answers(question: dict[str, Any], endpoint: str, token: bool) -> Generator[dict[str, Any], None, None]:
    """What the process says, which ends with this iterator."""
    process = line_process.start("core.machine.hub_process", **_environment(endpoint, token))
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            yield json.loads(line)
    except BrokenPipeError:
        return
    finally:
        line_process.end(process)


def _environment(endpoint: str, token: bool) -> dict[str, str]:
    """Of a child that may ask a hub, as no other may; with no token to be found, unless it is to be sent."""
    found = {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    found["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE", "0")
    if token:
        mine = {name: os.environ[name] for name in line_process.SECRET if name in os.environ}
        return found | mine | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "0")}
    nothing = dict.fromkeys(line_process.SECRET, "") | {"HF_TOKEN_PATH": os.devnull}
    return found | nothing | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
