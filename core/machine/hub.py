"""A hub of data sets and models, asked by a process of its own: which files one has, and those files. Nothing is asked
before a person said so, no token is sent unless they said that too, and no script and no pickle is ever fetched."""

import json
import os
import re
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
#: Whose files transformers reads of a model: its weights, its configs and its tokenizer.
MODEL_SUFFIXES = (".safetensors", ".json", ".model", ".txt", ".jinja")
#: Where it reads them.
MODEL_FILE = re.compile(r"(additional_chat_templates/)?[A-Za-z0-9_][\w.+=-]{0,200}", re.ASCII)
#: Where a hub keeps what it made of a data set itself, CONFIGURATION/SPLIT/0000.parquet, and what its makers put there.
CONVERTED, OWN = "refs/convert/parquet", "main"
#: What keeps the hub's client from sending a token that nobody named.
NO_TOKEN = "HF_HUB_DISABLE_IMPLICIT_TOKEN"
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


def has_token() -> bool:
    """Has the hub's client a token to send: in the environment, or kept by `hf auth login`?"""
    if os.environ.get(NO_TOKEN, "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    if any(os.environ.get(name, "").strip() for name in line_process.SECRET):
        return True
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    path = os.environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")
    return os.path.isfile(os.path.expandvars(os.path.expanduser(path)))


def files(name: str, *, token: bool = False, tell: Tell | None = None) -> tuple[str, list[HubFile]]:
    """The data files of a data set `owner/name`, and the revision that they are in: the hub's own conversion to
    Parquet, or else what its makers put there. Raises `KnownError`."""
    return _listed("dataset", name, (CONVERTED, OWN), SUFFIXES, token, tell)


def model_files(name: str, *, token: bool = False) -> tuple[str, list[HubFile]]:
    """The files of a model `owner/name` that transformers reads, and the revision that they are in. Raises
    `KnownError`."""
    revision, found = _listed("model", name, (OWN,), MODEL_SUFFIXES, token, None)
    return revision, [item for item in found if MODEL_FILE.fullmatch(item.path)]


def download(
    name: str, revision: str, wanted: Sequence[HubFile], folder: Path, *, token: bool = False, tell: Tell | None = None
) -> list[Path]:
    """Write the files of a data set into `folder` under names of our own. Raises `KnownError`; what came until then
    stays there."""
    targets = [f"{number:05d}{item.suffix}" for number, item in enumerate(wanted)]
    _asked(_wanted("dataset", name, revision, wanted, targets, folder), token, tell)
    return [folder / target for target in targets]


def downloading(
    name: str, revision: str, wanted: Sequence[HubFile], folder: Path, *, token: bool = False
) -> Generator[int, None, None]:
    """Write the files of a model into `folder`, under their own names; yields how many bytes have come, several times a
    second. It ends with this iterator. Raises `KnownError`; what came until then stays there."""
    yield from _asking(_wanted("model", name, revision, wanted, [item.path for item in wanted], folder), token)


def _listed(
    kind: str, name: str, revisions: Sequence[str], suffixes: Sequence[str], token: bool, tell: Tell | None
) -> tuple[str, list[HubFile]]:
    question = {"do": "list", "kind": kind, "name": name, "revisions": revisions, "suffixes": suffixes}
    found = _asked(question, token, tell)
    return str(found["revision"]), [item for item in map(_file, found["files"]) if item is not None]


def _wanted(
    kind: str, name: str, revision: str, wanted: Sequence[HubFile], targets: Sequence[str], folder: Path
) -> dict[str, Any]:
    asked = [
        {"path": item.path, "size": item.size, "sha256": item.sha256, "target": target}
        for item, target in zip(wanted, targets, strict=True)
    ]
    there = str(folder.absolute())
    return {"do": "download", "kind": kind, "name": name, "revision": revision, "files": asked, "folder": there}


def _file(item: dict[str, Any]) -> HubFile | None:
    """None for a name or a size that no data set has."""
    path, size = item["path"], item["size"]
    if not isinstance(path, str) or not isinstance(size, int) or not 0 <= size < MOST_BYTES or len(path) > 500:
        return None
    odd = not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in path.split("/"))
    return None if odd else HubFile(path, size, str(item["sha256"]), str(item["id"]))


def _asked(question: dict[str, Any], token: bool, tell: Tell | None) -> dict[str, Any]:
    with closing(_asking(question, token)) as asking:
        while True:
            try:
                count = next(asking)
            except StopIteration as answered:
                found: dict[str, Any] = answered.value
                return found
            if tell is not None:
                tell(count)


def _asking(question: dict[str, Any], token: bool) -> Generator[int, None, dict[str, Any]]:
    """Yields how many bytes have come, and returns the answer."""
    endpoint = address()
    with closing(_answers(question | {"endpoint": endpoint, "token": token}, endpoint, token)) as answers:
        for found in answers:
            if "error" in found:
                raise KnownError(found["error"])
            if "bytes" not in found:
                return found
            yield int(found["bytes"])
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
        return found | mine | {NO_TOKEN: os.environ.get(NO_TOKEN, "0")}
    nothing = dict.fromkeys(line_process.SECRET, "") | {"HF_TOKEN_PATH": os.devnull}
    return found | nothing | {NO_TOKEN: "1"}
