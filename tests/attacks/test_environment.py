"""What the machine may lack: a screen, a folder that can be written, room on the disk, a name in UTF-8, a whole file.

Each is one sentence with a way on, and nothing is lost.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import main
from core import cli
from core.config.jobs import GenerateConfig
from core.errors import DISK_FULL, OUT_OF_MEMORY, BadInput, KnownError, ModelError, explained, known
from core.jobs import queue
from core.store import DATABASE, open_project
from tests.attacks.fuzz_targets import command, read_all, seeds
from tests.jobs import add_job

ROOT = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are Linux's")
#: Root may read and write anything by these two (capabilities 1 and 2), which a child gives up for good.
POWERS = (1, 2)
DROP_POWER = 24


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return shutil.copytree(seeds() / "project", tmp_path / "project")


def child(code: str, *words: object, limit: Callable[[], object] = lambda: None) -> Any:
    """Run Python in a process of its own, which is limited before it begins; what its last line says as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=60,
        preexec_fn=limit, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def state(folder: Path) -> list[Any]:
    """What people made, in a project that is whole."""
    with closing(sqlite3.connect(f"{(folder / DATABASE).as_uri()}?mode=ro", uri=True)) as reader:
        assert reader.execute("pragma integrity_check").fetchone()[0] == "ok"
        return [reader.execute(f"select * from {table}").fetchall() for table in ("rankings", "ranking_items", "jobs")]


@LINUX
@pytest.mark.parametrize("screen", [{}, {"DISPLAY": ":987"}])
def test_without_a_screen_the_window_says_so_and_names_the_commands(screen):
    unseen = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    unseen.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=unseen | screen,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no screen" in done.stderr and "plumbline --help" in done.stderr


@pytest.mark.parametrize("name", ["PLUMBLINE_DATA", "HOME"])
@pytest.mark.parametrize("place", ["{file}/below", "/proc/none/such"])
def test_a_data_folder_that_cannot_be_written_is_named_with_what_to_do(
    whole, tmp_path, monkeypatch, capsys, name, place
):  # fmt: skip
    (tmp_path / "file").write_text("")
    for variable in ("PLUMBLINE_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, place.format(file=tmp_path / "file"))
    before = state(whole)
    for words in (("demo",), ("settings", "threads", "2")):
        assert cli.run(list(words)) == 1
        assert "set PLUMBLINE_DATA to a folder that can" in capsys.readouterr().err
    command("remove-run", whole, 3)
    assert state(whole) == before
    assert (whole / "runs" / "3").is_dir()
    for words in (("settings",), ("settings", "--reset"), ("new", tmp_path / "new"), ("pairs", whole)):
        assert cli.run(list(map(str, words))) == 0, "what needs no data folder goes on"


@pytest.mark.parametrize("words", [["--version"], ["window"]])
def test_a_data_folder_that_is_another_one_in_each_folder_is_refused(monkeypatch, capsys, words):
    monkeypatch.setenv("PLUMBLINE_DATA", "data/mine")
    monkeypatch.setattr(sys, "argv", ["plumbline", *words])
    assert main.main() == 2
    assert capsys.readouterr().err == (
        "Error: PLUMBLINE_DATA is 'data/mine', another folder wherever a command is begun: give its whole path.\n"
    )


@LINUX
def test_a_read_only_project_is_a_sentence_in_every_command_and_stays_as_it_is(whole, tmp_path):
    def powerless() -> None:
        import ctypes

        for power in POWERS:
            ctypes.CDLL(None).prctl(DROP_POWER, power, 0, 0, 0)

    before = (whole / DATABASE).read_bytes()
    for path in (*whole.rglob("*"), whole):
        path.chmod(0o500 if path.is_dir() else 0o400)
    code = (
        "import sys; from pathlib import Path; from tests.attacks import fuzz_targets\n"
        "fuzz_targets.seeds()\nfuzz_targets.read_all(Path(sys.argv[1]), b'')\n"
        "try: (Path(sys.argv[1]) / 'x').touch(); print(0)\nexcept PermissionError: print(1)"
    )
    try:
        assert child(code, whole, limit=powerless) == 1, "the child could write after all"
    finally:
        for path in (whole, *whole.rglob("*")):
            path.chmod(0o700)
    assert (whole / DATABASE).read_bytes() == before


@LINUX
def test_a_full_disk_is_a_sentence_and_leaves_nothing_behind(whole, tmp_path):
    """No file may grow beyond what the project takes already."""
    import resource

    size = (whole / DATABASE).stat().st_size
    (tmp_path / "many.txt").write_text("\n".join(f"a prompt that is long enough, {number}" for number in range(20_000)))
    before, there = state(whole), {path.name for path in tmp_path.iterdir()}
    code = """
import contextlib, io, json, sys
from core import cli
project, place = sys.argv[1:]
for words in (["import", project, f"{place}/many.txt"], ["archive", project, f"{place}/a.plumbline.zip"],
              ["duplicate", project, f"{place}/copy"], ["pack", project, f"{place}/p.plumbpack", "--labeler", "me"],
              ["demo", f"{place}/demo"], ["new", f"{place}/new"]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = cli.run(words)
    print(json.dumps([words[0], code, said.getvalue()]), file=sys.stderr)
    assert code == 0 or (said.getvalue().startswith("Error: ") and said.getvalue().count("\\n") == 1), said.getvalue()
    print(json.dumps([words[0]] if code else []))
"""
    limit = size // 4
    child(code, whole, tmp_path, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert state(whole) == before
    left = {path.name for path in tmp_path.iterdir()} - there
    assert left <= {"new"}
    assert cli.run(["import", str(whole), str(tmp_path / "many.txt")]) == 0, "with room again it goes on"


@pytest.mark.thorough
def test_a_folder_whose_name_is_not_utf8_is_used_like_any_other(tmp_path, monkeypatch):
    seeds()
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "data"))
    try:
        place = tmp_path / os.fsdecode(b"caf\xe9 \xff #%?")
        place.mkdir()
    except OSError:
        pytest.skip("this disk has names in UTF-8 alone")
    folder, other = (shutil.copytree(seeds() / "project", place / name) for name in ("project", "other"))
    read_all(folder, b"")
    for words in (
        ("restore", place / "copy.plumbline.zip", place / "restored"),
        ("unpack", place / "p.plumbpack", place / "unpacked"), ("merge", folder, place / "unpacked"),
        ("import", folder, place / "out.jsonl"), ("new", place / "new"),
        ("demo", place / "demo"), ("pairs", place / "restored"), ("pairs", place / "copy"), ("remove-run", other, 3),
        ("put-back-run", other, 3),
    ):  # fmt: skip
        assert cli.run(list(map(str, words))) == 0, words
    with closing(open_project(folder)) as project, pytest.raises(BadInput, match="rename the folder"):
        add_job(project, GenerateConfig())


@pytest.mark.parametrize("cut", [0, 100, 4096, 0.5, -1])
def test_a_database_that_is_cut_is_a_sentence_that_names_the_backup(whole, capsys, cut):
    content = (whole / DATABASE).read_bytes()
    shutil.copy(whole / DATABASE, whole / "plumbline.before-m005.db")
    (whole / DATABASE).write_bytes(content[: int(len(content) * cut) if isinstance(cut, float) else cut])
    read_all(whole, b"")
    capsys.readouterr()
    if cut in (100, 4096, 0.5):
        assert cli.run(["agreement", str(whole)]) == 2
        assert "plumbline.before-m005.db" in capsys.readouterr().err


def test_a_damaged_name_that_sqlite_quotes_is_no_bug(whole, capsys):
    """What SQLite says of it is not UTF-8 then."""
    content = (whole / DATABASE).read_bytes()
    (whole / DATABASE).write_bytes(
        content.replace(b"CREATE TABLE", b"\xff\xfeEATE TABLE").replace(b"create table", b"\xff\xfeeate table")
    )
    read_all(whole, b"")


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("std::bad_alloc"), OutOfMemoryError("card"),
        ImportError("x.so: cannot map: Cannot allocate memory"),
        RuntimeError("unable to mmap 1073741824 bytes from file <a.safetensors>: Cannot allocate memory (12)"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_memory_that_is_short_inside_a_library_is_no_bug(error):
    assert str(known(error)) == OUT_OF_MEMORY
    wrapped = ValueError("Unable to load the tokenizer")
    wrapped.__cause__ = error
    assert str(known(wrapped)) == OUT_OF_MEMORY


def test_what_the_system_refuses_is_a_sentence_at_the_outermost_door():
    assert str(known(OSError(27, "File too large"))) == DISK_FULL
    assert str(known(shutil.Error([("a", "b", "[Errno 28] No space left on device")]))) == DISK_FULL
    found = explained(OSError(5, "Input/output error", "/mnt/x"))
    assert found is not None and "/mnt/x cannot be used (Input/output error)" in str(found)
    assert explained(ValueError("a bug")) is None
    assert str(KnownError(os.fsdecode(b"/caf\xe9"))) == "/caf\\udce9"


@pytest.mark.parametrize("template", ["{{ messages[0].x.y }}", "{{ 1 / 0 }}", "{{ raise_exception('no') }}"])
def test_a_broken_chat_template_is_not_called_a_bug(template):
    transformers = pytest.importorskip("transformers.utils.chat_template_utils")
    with pytest.raises(Exception) as caught:
        transformers.render_jinja_template([[{"role": "user", "content": "a"}]], chat_template=template)
    found = known(caught.value)
    assert isinstance(found, ModelError)
    assert "chat template" in str(found)


def test_a_job_that_fails_for_the_machine_says_no_bug(filled, monkeypatch):
    from core import worker

    job = add_job(filled, GenerateConfig())
    monkeypatch.setattr(
        worker.importlib, "import_module", lambda name: (_ for _ in ()).throw(OSError(5, "I/O error", name))
    )
    claimed = worker.claim(filled)
    assert claimed is not None
    worker.run_job(filled, claimed, {})
    assert "bug" not in queue.get(filled, job.id).error


def test_a_worker_hears_no_terminal():
    """A library that asks whether code may run finds nobody who says yes."""
    code = "import json, sys\nfrom core import worker\nworker.hear_nobody()\nprint(json.dumps(sys.stdin.read()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input="y\ny\n", capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ""
