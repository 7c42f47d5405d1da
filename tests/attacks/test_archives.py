"""Archives that were made to harm: refused with one sentence, and nothing is written anywhere."""

import os
import stat
import struct
import zipfile
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from core import cli
from core.config.jobs import JobKind, config_values
from core.config.training import TrainRewardConfig
from core.errors import BadInput, KnownError
from core.jobs import queue
from core.projects import archive, archive_names
from core.store import DATABASE, open_project
from tests.attacks.kills import tree


@pytest.fixture
def whole(filled, tmp_path) -> Path:
    """An archive of a project with a run and a job that waits."""
    queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    folder = filled.run_folder(1) / "step-000001" / "policy"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 5000)
    return archive.archive(filled.folder, tmp_path / "mine.plumbline.zip")


def refused(path: Path, tmp_path: Path, words: str, capsys) -> None:
    """By the command, in one line, and not a byte is left."""
    before = tree(tmp_path)
    assert cli.run(["restore", str(path), str(tmp_path / "deep" / "back")]) in (1, 2)
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1, said
    assert tree(tmp_path) == before


def entry(name: str, kind: int = 0, *, flags: int = 0, packing: int = ZIP_DEFLATED) -> ZipInfo:
    found = ZipInfo(name)
    found.external_attr = (kind | 0o644) << 16 if kind else 0
    found.flag_bits |= flags
    found.compress_type = packing
    return found


NAMES = [
    "", ".", "..", "/", "//", "/runs/x", "../x", "runs/../x", "runs/../../x", "runs/./x", "runs//x", "./runs/x",
    "runs", "runs/x/..", "runs\\x", "runs\\..\\..\\x", "C:/x", "runs/C:x", "C:\\x", "\\\\host\\x", "//host/share/x",
    "runs/x:stream", "runs/con", "runs/NUL.txt", "runs/com1", "runs/lpt9.log", "runs/x.", "runs/x ", "runs/x\x01y",
    "runs/x\x7f", "runs/x?y", "runs/x*", 'runs/"x"', "runs/<x>", "runs/a|b", "Runs/x", "PLUMBLINE.DB", "worker.log",
    "plumbline.db/x", "plumbline.db-wal", "notes.txt", "runs/" + "x" * 250, "runs/" + "d/" * 40 + "x",
    "runs/" + "é" * 150,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_no_project_has(whole, tmp_path, capsys, name):
    with ZipFile(whole, "a") as packed:
        packed.writestr(entry(name or "?"), "x")
    if not name:  # Python writes no such entry itself
        raw = whole.read_bytes()
        at = raw.rindex(b"PK\x01\x02")
        tail = bytearray(raw[at + 47 :])
        begins = len(tail) - 22
        assert raw[at + 46 : at + 47] == b"?" and tail[begins : begins + 4] == b"PK\x05\x06"
        tail[begins + 12 : begins + 16] = struct.pack("<I", struct.unpack("<I", tail[begins + 12 : begins + 16])[0] - 1)
        whole.write_bytes(raw[: at + 28] + b"\0\0" + raw[at + 30 : at + 46] + tail)
    refused(whole, tmp_path, "no project has", capsys)
    assert archive_names.fault(name)


@pytest.mark.parametrize(
    "names",
    [
        ("runs/1/a", "runs/1/A"), ("runs/1/é", "runs/1/e\u0301"), ("runs/1/ß", "runs/1/SS"), ("runs/1/x", "runs/1/x"),
        ("runs/9", "runs/9/x"), ("runs/9/x", "runs/9"), ("runs/9/X/y", "runs/9/x"), (DATABASE,),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_a_disk_may_take_for_one(whole, tmp_path, capsys, names):
    with ZipFile(whole, "a") as packed:
        for name in names:
            packed.writestr(entry(name), "x")
    refused(whole, tmp_path, "no project has", capsys)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_what_is_no_plain_file(whole, tmp_path, capsys, kind):
    with ZipFile(whole, "a") as packed:
        packed.writestr(entry("runs/1/x", kind), "/etc/passwd")
    refused(whole, tmp_path, "no project has", capsys)


def test_a_folder_that_is_a_link(whole, tmp_path, capsys):
    with ZipFile(whole, "a") as packed:
        packed.writestr(entry("runs/2/", stat.S_IFLNK), "/tmp")
        packed.writestr(entry("runs/2/x"), "x")
    refused(whole, tmp_path, "no project has", capsys)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_we_never_use(whole, tmp_path, capsys, packing):
    with ZipFile(whole, "a") as packed:
        packed.writestr(entry("runs/1/x", packing=packing), "x")
    refused(whole, tmp_path, "no project has", capsys)


def test_what_would_fill_the_disk(whole, tmp_path, capsys, monkeypatch):
    """A megabyte that becomes a gigabyte, and an honest archive for which there is no room."""
    bomb = tmp_path / "bomb.plumbline.zip"
    with ZipFile(whole) as good, ZipFile(bomb, "w", ZIP_DEFLATED) as packed:
        packed.writestr(DATABASE, good.read(DATABASE))
        with packed.open("runs/1/x", "w") as file:
            for _ in range(400):
                file.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    refused(bomb, tmp_path, "as no project does", capsys)
    bomb.unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 64 << 20})())
    refused(whole, tmp_path, "The disk is full", capsys)


@pytest.mark.parametrize("declared", [0, 1, 1 << 31, (1 << 32) - 2])
def test_sizes_that_lie(whole, tmp_path, declared):
    """The directory says another size than there is: no more than it says is ever written, and then it is refused."""
    raw = bytearray(whole.read_bytes())
    place = raw.rindex(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", declared)
    whole.write_bytes(raw)
    before = tree(tmp_path)
    with pytest.raises(KnownError):
        archive.restore(whole, tmp_path / "back")
    assert tree(tmp_path) == before


def test_many_files_on_the_same_bytes(whole, tmp_path):
    """A quine's trick: a directory of thousands that all lead to one file's bytes."""
    raw = whole.read_bytes()
    with ZipFile(whole) as packed:
        start = packed.start_dir
    end = raw.rindex(b"PK\x05\x06")
    last = raw[raw.rindex(b"PK\x01\x02") : end]
    length = struct.unpack("<H", last[28:30])[0]
    name = last[46 : 46 + length]
    copies = [last.replace(name, name[: length - 5] + f"{number:05}".encode()) for number in range(3000)]
    directory = raw[start:end] + b"".join(copies)
    tail = bytearray(raw[end:])
    tail[8:12] = struct.pack("<HH", 3002, 3002)
    tail[12:16] = struct.pack("<I", len(directory))
    whole.write_bytes(raw[:start] + directory + tail)
    with pytest.raises(KnownError):
        archive.restore(whole, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_nothing_that_waits_in_an_archive_goes_on_by_itself(filled, tmp_path):
    """Whoever packs by hand leaves a job queued, or running."""
    for _ in range(2):
        queue.enqueue(filled, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    with filled.write() as database:
        database.execute("update jobs set status = 'running' where id = 2")
    filled.database.execute("vacuum into ?", (str(tmp_path / "copy.db"),))
    with ZipFile(tmp_path / "theirs.zip", "w") as packed:
        packed.write(tmp_path / "copy.db", DATABASE)
    with closing(open_project(archive.restore(tmp_path / "theirs.zip", tmp_path / "back"))) as back:
        assert [job.status for job in queue.listed(back)] == ["interrupted", "stopped"]


@pytest.mark.parametrize("name", [b"a\xff", b"a:b", b"a\\b", b"a\nb", b"con"])
def test_what_no_archive_can_hold_is_named_when_one_is_made(filled, tmp_path, name):
    (filled.folder / "runs" / "1").mkdir(parents=True, exist_ok=True)
    (filled.folder / "runs" / "1" / os.fsdecode(name)).write_text("x")
    with pytest.raises(BadInput, match="rename it"):
        archive.archive(filled.folder, tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()
