"""`python -m core.machine.hub_process`: lists or downloads files of a data set or a model on a hub, as it is asked.

Apart, so that a hub's answers meet this process alone, which can be ended at any moment and finds no token unless a
person said so. It prints JSON, one object a line: the bytes that it has so far, several times a second, and at last
what was found, or a sentence. It ends when nobody reads its lines any more.
"""

import hashlib
import ipaddress
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import HfApi, get_session, hf_hub_url, set_client_factory
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers

from core.errors import KnownError, first_line, known
from core.jobs.limits import limit_memory

#: What sentences call each kind; what a person can do without us; and what makes a hub show it that asks for terms.
WORDS = {
    "dataset": ("data set", "download the file yourself, and import it", ", and let your token be sent"),
    "model": ("model", "download its files yourself, and name their folder", ", and try again"),
}
#: Of a list; one that is longer is nothing for a person to choose from.
MOST_FILES = 20_000
MEMORY = 4_000_000_000
BEAT = 0.2
#: Last parts of names that only a net of one's own knows.
HOME = {"", "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
#: Addresses of version 6 that stand for one of version 4, whichever that is.
CARRIERS = [ipaddress.ip_network(net) for net in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32")]
SECONDS = 30.0
#: How often a hub is asked anew that sends nothing more.
TRIES = 3
POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass
class Got:
    """Bytes so far, told by another thread."""

    bytes: int = 0


def is_allowed(address: str, endpoint: str) -> bool:
    """Does it lie on the hub itself, or behind https at a place that the whole net knows?"""
    to, hub = urlsplit(address), urlsplit(endpoint)
    if (to.scheme, to.netloc) == (hub.scheme, hub.netloc):
        return True
    return to.scheme == "https" and _is_public(to.hostname or "localhost")


def _is_public(host: str) -> bool:
    """Names that end with a point are the same without, and those that end with a number are addresses in short."""
    host = host.removesuffix(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        is_number = last.isdecimal() or last.startswith("0x")
        return "." in host and not is_number and last not in HOME
    within = any(address in net for net in CARRIERS) if address.version == 6 else False
    return address.is_global and not within


def watch(question: dict[str, Any]) -> None:
    """From now on no request, redirected or not, goes where none may, and none but the hub itself is shown a token."""
    endpoint, (what, instead, _) = question["endpoint"], WORDS[question["kind"]]
    first = get_session()
    hooks = first.event_hooks["request"]

    def check(request: Any) -> None:
        address = str(request.url)
        if not is_allowed(address, endpoint):
            raise KnownError(f"The hub sends on to {address[:200]}, where no {what} is fetched from: {instead}.")
        if urlsplit(address).netloc != urlsplit(endpoint).netloc:
            request.headers.pop("authorization", None)

    set_client_factory(
        lambda: type(first)(event_hooks={"request": [*hooks, check]}, follow_redirects=True, timeout=SECONDS)
    )


def listed(question: dict[str, Any]) -> dict[str, Any]:
    """The files of the first revision that has any with the suffixes that were asked for."""
    api = HfApi(endpoint=question["endpoint"], token=question["token"])
    name, kind, last = question["name"], question["kind"], question["revisions"][-1]
    for revision in question["revisions"]:
        try:
            found = _tree(api.list_repo_tree(name, recursive=True, revision=revision, repo_type=kind), WORDS[kind][0])
        except HfHubHTTPError as error:
            if error.response.status_code == 404 and revision != last:
                continue
            raise
        files = [item for item in found if str(item["path"]).lower().endswith(tuple(question["suffixes"]))]
        if files:
            return {"revision": revision, "files": files}
    return {"revision": last, "files": []}


def _tree(items: Iterable[Any], what: str) -> list[dict[str, Any]]:
    """Raises `KnownError` for one without end."""
    found: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        if number >= MOST_FILES:
            raise KnownError(f"The {what} has more than {MOST_FILES:,} files: download those that you want yourself.")
        if isinstance(item, RepoFile):
            digest = item.lfs.sha256 if item.lfs else ""
            found.append({"path": item.path, "size": item.size, "sha256": digest, "id": item.blob_id})
    return found


def download(question: dict[str, Any], got: Got) -> dict[str, Any]:
    """Write each of the files, in their order, into the folder under the name that was chosen for it."""
    headers = build_hf_headers(token=question["token"]) | {"accept-encoding": "identity"}
    for file in question["files"]:
        address = hf_hub_url(
            question["name"], file["path"], repo_type=question["kind"], revision=question["revision"],
            endpoint=question["endpoint"],
        )  # fmt: skip
        target = Path(question["folder"], file["target"])
        target.parent.mkdir(exist_ok=True)
        _write(_pieces(question, address, headers), target, file, got)
    return {"done": True}


def _pieces(question: dict[str, Any], address: str, headers: dict[str, str]) -> Iterator[bytes]:
    """A file's bytes; where the connection breaks, the hub is asked for the rest, unless nothing came anew for long."""
    came, tries = 0, 0
    while True:
        rest = {"range": f"bytes={came}-"} if came else {}
        try:
            with get_session().stream("GET", address, headers=headers | rest) as response:
                if response.status_code != (206 if came else 200):
                    raise KnownError(_refusal(question, response.status_code))
                for piece in response.iter_bytes():
                    came, tries = came + len(piece), 0
                    yield piece
            return
        except (KnownError, OSError):
            raise
        except Exception:  # the client's own, whose library is another from version to version
            if not came or tries == TRIES:
                raise
            time.sleep(tries)
            tries += 1


def _write(pieces: Iterable[bytes], target: Path, file: dict[str, Any], got: Got) -> None:
    """Raises `KnownError` for another file than the one that was listed."""
    name, size, digest = file["path"], file["size"], hashlib.sha256()
    written, begin = 0, b""
    with target.open("wb") as out:
        for piece in pieces:
            written += len(piece)
            begin = begin or piece[: len(POINTER)]
            if written > size:
                raise KnownError(f"The hub sends more of {name} than the {size:,} bytes that it named: it was ended.")
            digest.update(piece)
            out.write(piece)
            got.bytes += len(piece)
    if begin == POINTER:
        raise KnownError(
            f"The hub has only a pointer of Git LFS for {name}, and not its data: ask whoever put it there."
        )
    if written < size or (file["sha256"] and digest.hexdigest() != file["sha256"]):
        raise KnownError(f"{name} came incomplete or changed on the way: try again.")


def _refusal(question: dict[str, Any], status: int) -> str:
    """What a hub's "no" means for whoever asked."""
    name, endpoint, (what, _, then) = question["name"], question["endpoint"], WORDS[question["kind"]]
    if status in (401, 403) and not question["token"]:
        return (
            f"{endpoint} has no {what} {name}, or shows it only to those whom it knows: accept its terms on its page "
            f"there, log in with `hf auth login`{then}."
        )
    if status in (401, 403):
        return f"{endpoint} does not show you {name}: accept its terms on its page there, or check your token."
    if status == 404:
        return f"{endpoint} has no {what} {name}: check its name."
    if status == 429:
        return f"{endpoint} was asked too often: wait some minutes, then try again."
    return f"{endpoint} answered {status}: try again later."


def answer(question: dict[str, Any], got: Got) -> dict[str, Any]:
    try:
        watch(question)
        return listed(question) if question["do"] == "list" else download(question, got)
    except HfHubHTTPError as error:
        return {"error": _refusal(question, error.response.status_code)}
    except OfflineModeIsEnabled:
        return {
            "error": "The hub's client is switched to offline: unset HF_HUB_OFFLINE, or download the file yourself."
        }
    except LocalTokenNotFoundError:
        return {"error": "There is no token of yours on this machine: log in with `hf auth login` first."}
    except Exception as error:
        sentence = known(error) or f"{question['endpoint']} could not be asked ({first_line(error)}): try again."
        return {"error": str(sentence)}


def beating(got: Got, say: Callable[[dict[str, Any]], None], done: threading.Event) -> None:
    """Tell how far it is until it is `done`, or until nobody listens: then all of this process ends."""
    while not done.wait(BEAT):
        try:
            say({"bytes": got.bytes})
        except OSError:
            os._exit(1)


def main() -> None:
    limit_memory(MEMORY)
    lines, got, done = threading.Lock(), Got(), threading.Event()

    def say(what: dict[str, Any]) -> None:
        with lines:
            sys.stdout.write(json.dumps(what) + "\n")
            sys.stdout.flush()

    question = json.loads(sys.stdin.readline())
    threading.Thread(target=beating, args=(got, say, done), daemon=True).start()
    found = answer(question, got)
    done.set()
    say(found)


if __name__ == "__main__":
    main()
