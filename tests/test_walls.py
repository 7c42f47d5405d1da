"""The walls of the house: what may import what, checked by machine and in a fresh interpreter."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "peft")
SQL = re.compile(
    r"\s*(select\b.*\bfrom\b|insert (or \w+ )?into\b|update \w+ set\b|delete from\b|with \w+ as \(|pragma \w|vacuum\b"
    r"|attach\b|(?-i:begin)( immediate| exclusive)?$|savepoint\b|rollback\b"
    r"|(create|alter|drop) (temp )?(table|index|view|trigger)\b)",
    re.IGNORECASE | re.DOTALL,
)


def loaded(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    command = [sys.executable, "-c", script]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_imports_point_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["core.cli", "core.worker", "core.run_demo"])
def test_the_command_line_and_an_idle_worker_load_neither_torch_nor_qt_nor_scipy(module):
    assert not loaded(f"import {module}") & {*HEAVY, "PySide6", "pyqtgraph", "scipy"}


def test_the_window_never_loads_torch_and_its_first_frame_neither_charts_nor_numpy():
    code = "import os; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\nfrom desktop.app import build\nbuild([])[1].show()"
    found = loaded(code)
    assert "PySide6" in found
    assert not found & {*HEAVY, "pyqtgraph", "numpy"}
    tabs = code + "\nfrom desktop.shell.tabs import LOADS\n[load() for load in LOADS.values()]"
    assert not loaded(tabs) & set(HEAVY)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    """Millions of nodes would be looked through for garbage ever after."""
    yield
    nodes.cache_clear()


def is_connect(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "connect" and ast.unparse(node) == "sqlite3.connect"


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """A string, with a word in place of whatever is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node.value, str) else ""


def raw_places(found: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Lines that speak to a database: SQL, SQLite, or a project's own door to it."""
    for node in found:
        if isinstance(node, ast.Constant | ast.JoinedStr) and SQL.match(text := text_of(node)):
            yield node.lineno, f"SQL: {text.strip()[:60]}"
        if (isinstance(node, ast.Attribute) and node.attr == "database") or is_connect(node):
            yield node.lineno, ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module == "core.store.connection":
            yield node.lineno, node.module


@pytest.mark.parametrize(
    "code",
    [
        'x("select a from b")', 'x(f"update {t} set a = 1")', 'x("insert or ignore into t values (1)")',
        'x("begin immediate")', 'x("with a as (select 1) select 2")', 'x("pragma data_version")',
        "sqlite3.connect(path)", "project.database.execute(q)", "self.packed.database",
        "from core.store.connection import connect",
    ],
)  # fmt: skip
def test_what_speaks_to_a_database_is_seen(code):
    assert list(raw_places(ast.walk(ast.parse(code))))


@pytest.mark.parametrize("code", ['x("Delete it from this machine")', "spin.value()", "table.rows()", "sqlite3.Error"])
def test_what_only_looks_like_it_is_let_be(code):
    assert not list(raw_places(ast.walk(ast.parse(code))))


def test_only_the_store_speaks_to_the_database():
    found = {}
    for room in ("core", "desktop"):
        for path in (ROOT / room).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("core/store/"):
                found[name] = list(raw_places(nodes(path)))
    assert {name: places for name, places in found.items() if places} == {}


def test_no_statement_is_put_together_from_what_is_not_written_here():
    """But for undo's triggers, which are made from the schema, and for pragmas, which take no parameters."""
    store, found = ROOT / "core" / "store", set()
    for path in store.rglob("*.py"):
        for node in nodes(path):
            text = text_of(node) if isinstance(node, ast.JoinedStr) else ""
            if SQL.match(text) and not text.startswith("pragma"):
                found.add(path.relative_to(store).as_posix())
    assert found <= {"undo/log.py"}


def test_every_file_is_opened_with_the_defences_up():
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "core").rglob("*.py")
        for node in nodes(path)
        if is_connect(node)
    }
    assert found == {"core/store/connection.py"}


def test_a_tokenizer_is_loaded_in_one_place():
    """Whatever another place leaves out (the class, the network, the probe) is a door."""
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "core").rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and any(name.name == "AutoTokenizer" for name in node.names)
    }
    assert found == {"core/models/tokenizer_files.py"}


def test_the_files_of_a_run_are_named_through_one_door():
    """`Project.run_file` refuses links; folders of checkpoints and of copies are looked through by who loads them."""
    path = re.compile(r"(run_folder\([^)\n]*\)|context\.folder) / ")
    files = (ROOT / "core").rglob("*.py")
    found = {file.relative_to(ROOT).as_posix() for file in files if path.search(file.read_text("utf-8"))}
    assert found == {"core/rl/start.py", "core/store/runs/checkpoints.py"}
