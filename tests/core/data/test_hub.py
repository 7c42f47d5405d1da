"""Data sets of a hub: what there is to choose from, brought here, and read as any file is."""

import gzip
import io
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import cli, data
from core.data import hub as data_hub
from core.errors import BadInput, KnownError
from core.machine import hub as hub_machine
from core.store import completions, prompts
from tests.loopback_hub import pairs, table

NAME = "ana/kind"


def kept() -> list[Path]:
    folder = data_hub.datasets_folder()
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_parts_are_the_configurations_and_splits_that_the_hub_converted(hub):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    hub.put(NAME, "default/train/0001.parquet", pairs("b?"))
    hub.put(NAME, "default/test/0000.parquet", pairs("c?"))
    hub.put(NAME, "long/partial-train/0000.parquet", pairs("d?"))
    hub.put(NAME, "README.md", b"# Kind")
    hub.put(NAME, "train.csv", b"prompt\nother", "main")
    found = data_hub.parts(NAME)
    assert [(part.config, part.split, len(part.files), part.partial, part.use) for part in found] == [
        ("default", "test", 1, False, "heldout"), ("default", "train", 2, False, "train"),
        ("long", "train", 1, True, "train"),
    ]  # fmt: skip
    assert found[2].note.endswith("1 file, its beginning")
    assert [token for _, token in hub.asked] == [None], "a token was sent that nobody asked to be sent"


def test_what_the_hub_did_not_convert_is_found_among_its_own_files_and_nothing_but_data(hub):
    for path in (
        "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test_prefs.parquet",
        "harmless/train.jsonl.gz", "harmless/train.csv", "kind.py", "weights.bin",
        "dataset_infos.json", ".gitattributes", "README.md",
    ):  # fmt: skip
        hub.put(NAME, path, b"x", "main")
    found = data_hub.parts(NAME)
    assert [(part.config, part.split, [item.path for item in part.files]) for part in found] == [
        ("default", "test_prefs", ["data/test_prefs.parquet"]),
        ("default", "train", ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]),
        ("harmless", "train", ["harmless/train.jsonl.gz"]),
    ]


@pytest.mark.thorough
def test_the_files_of_a_split_are_read_one_after_the_other_under_one_name(hub, project):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?", "b?"))
    hub.put(NAME, "default/train/0001.parquet", table([{"prompt": "c?", "chosen": "x", "rejected": "x"}]))
    hub.put(NAME, "default/train/0002.parquet", pairs("d?"))
    path, options = data_hub.fetch(data_hub.chosen(data_hub.parts(NAME)))
    found = data.preview(path, options=options)
    assert [row.prompt for row in found.rows] == ["a?", "b?", "d?"] and [row.line for row in found.rows] == [1, 2, 4]
    assert [(item.line, item.reason) for item in found.refused] == [(3, "both of its answers are the same")]
    report = data.import_preferences(project, path, "them", options=options)
    assert (report.added, len(report.refused)) == (3, 1)
    assert {item.source for item in prompts.listed(project)} == {"hub:ana/kind (default, train)"}


@pytest.mark.thorough
def test_what_is_here_is_not_fetched_again_unless_it_changed(hub):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    part = data_hub.chosen(data_hub.parts(NAME))
    assert data_hub.fetch(part) == data_hub.fetch(part)
    assert len(kept()) == 1 and sum("resolve" in path for path, _ in hub.asked) == 1
    hub.put(NAME, "default/train/0000.parquet", pairs("b?"))
    part = data_hub.chosen(data_hub.parts(NAME))
    for _ in range(2):
        path, options = data_hub.fetch(part)
        assert [row.prompt for row in data.preview(path, options=options).rows] == ["b?"] and len(kept()) == 2
        path.write_bytes(b"")  # somebody damaged it: it is fetched anew


@pytest.mark.thorough
def test_the_oldest_goes_where_the_kept_ones_become_too_many(hub, monkeypatch):
    for number in range(3):
        hub.put(NAME, f"default/split{number}/0000.parquet", pairs(f"{number}?"))
    found = data_hub.parts(NAME)
    monkeypatch.setattr(data_hub, "KEPT", sum(part.bytes for part in found) - 1)
    folders = []
    for number, part in enumerate(found):
        folders.append(data_hub.fetch(part)[0].parent)
        os.utime(folders[-1], (number, number))
    assert kept() == sorted(folders[1:])


@pytest.mark.thorough
def test_the_command_asks_which_part_and_says_what_there_is(hub, project, capsys):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    hub.put(NAME, "default/test/0000.parquet", pairs("b?", "c?"))
    project.close()
    command = ["import", str(project.folder), f"hub:{NAME}"]
    assert cli.run(command) == 2
    said = capsys.readouterr().err
    assert f"Asking {hub.address} for {NAME}" in said
    assert "--hub-config default --hub-split test" in said and "--hub-config default --hub-split train" in said
    assert not kept()
    assert cli.run([*command, "--hub-split", "dev"]) == 2
    assert "has no such part" in capsys.readouterr().err
    assert cli.run([*command, "--hub-split", "test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 2
    assert cli.run(["prompts", str(project.folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["prompts"]
    assert {item["split"] for item in found} == {"heldout"}, "its test split was not held out"
    assert all(token is None for _, token in hub.asked)


@pytest.mark.thorough
def test_a_person_at_a_terminal_is_asked_which_part(hub, project, capsys, monkeypatch):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    hub.put(NAME, "default/test/0000.parquet", pairs("b?", "c?"))
    project.close()
    monkeypatch.setattr("sys.stdin", type("Typed", (io.StringIO,), {"isatty": lambda _: True})("7\n2\n"))
    assert cli.run(["import", str(project.folder), f"hub:{NAME}", "--json"]) == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["added"] == 1, "the second is the one called train"
    assert "  1  default, test:" in said and "  2  default, train:" in said


@pytest.mark.thorough
def test_columns_and_encoding_are_said_as_of_any_file(hub, project, capsys):
    hub.put(NAME, "train.csv", "ask;good;bad\nWie heißt du?;Ada;Lärm\n".encode("cp1252"), "main")
    project.close()
    command = ["import", str(project.folder), f"hub:{NAME}", "--map", "prompt=ask,chosen=good,rejected=bad"]
    assert cli.run([*command, "--encoding", "cp1252"]) == 0
    assert cli.run(["prompts", str(project.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["prompts"][0]["text"] == "Wie heißt du?"


def test_the_token_is_sent_where_that_was_said(hub, project):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    project.close()
    assert cli.run(["import", str(project.folder), f"hub:{NAME}", "--hub-token"]) == 0
    assert [token for _, token in hub.asked] == ["Bearer hf_secret"] * 2


@pytest.mark.parametrize(
    "name", ["hub:", "hub:a", "hub:a/b/c", "hub:../b", "hub:a/..", "hub:a/b?x", "hub:a b/c", "hub:a--b/c", "hub:é/b"]
)
def test_a_name_that_is_none_asks_nobody(hub, name):
    with pytest.raises(BadInput, match="write it as hub:owner/name"):
        data_hub.name_of(name)


def test_a_path_is_no_name_of_a_hub():
    assert data_hub.name_of("some/file.jsonl") is None and data_hub.name_of("/hub:a/b") is None


@pytest.mark.parametrize(
    "address", ["http://example.org", "ftp://127.0.0.1", "example.org", "http://127.0.0.1.evil.org"]
)
def test_a_hub_that_others_could_listen_to_is_not_asked(monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(BadInput, match="only hubs behind https"):
        data_hub.parts(NAME)


def test_a_hub_is_the_same_however_its_address_is_written(hub, monkeypatch):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("http://127.0.0.1", "HTTP://LOCALHOST") + "/")
    assert [part.config for part in data_hub.parts(NAME)] == ["default"]
    for written in ("https://Hub.Corp:443", "HTTPS://hub.corp/"):
        monkeypatch.setenv("HF_ENDPOINT", written)
        assert hub_machine.address() == "https://hub.corp"
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.corp:many")
    with pytest.raises(BadInput, match="is no address"):
        hub_machine.address()


def test_a_client_that_is_offline_says_so(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(KnownError, match="HF_HUB_OFFLINE"):
        data_hub.parts(NAME)
    assert hub.asked == []


def test_too_much_is_refused_before_any_of_it_is_fetched(hub, monkeypatch):
    hub.put(NAME, "default/train/0000.parquet", pairs("a?"))
    hub.put(NAME, "large/train/0000.parquet", pairs("a?"))
    hub.sizes["large/train/0000.parquet"] = 6_000_000_000
    small, large = data_hub.parts(NAME)
    with pytest.raises(BadInput, match=r"6\.0 GB, 1 file, more than the 5\.0 GB"):
        data_hub.fetch(large)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=500_000_000))
    with pytest.raises(KnownError, match=r"500\.0 MB left, too little"):
        data_hub.fetch(small)
    assert not kept() and not any("resolve" in path for path, _ in hub.asked)


def test_a_pointer_of_git_lfs_is_not_taken_for_prompts(tmp_path):
    (tmp_path / "train.jsonl").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    with pytest.raises(BadInput, match="pointer of Git LFS"):
        data.preview(tmp_path / "train.jsonl")


@pytest.mark.thorough
def test_gzipped_lines_are_read_as_they_came(hub, project):
    lines = b'{"prompt": "q?", "responses": ["a", "b"]}\n'
    hub.put(NAME, "train.jsonl.gz", gzip.compress(lines), "main")
    path, options = data_hub.fetch(data_hub.chosen(data_hub.parts(NAME)))
    data.import_preferences(project, path, "them", options=options)
    assert sorted(item.text for item in completions.group(project, 1).completions) == ["a", "b"]
