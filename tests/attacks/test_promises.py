"""The guide's page *What is safe*: each promise names the tests that keep it, and they are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "resources" / "guide" / "safety.md"
TABLE = re.compile(r"^\| promise .+\n\| ---.+\n((?:\|.+\n)+)", re.MULTILINE)
PROMISE = re.compile(r"^\| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PROMISES = [row for rows in TABLE.findall(PAGE.read_text(encoding="utf-8")) for row in PROMISE.findall(rows)]


@cache
def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {item.name for item in ast.walk(tree) if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize(("promise", "kept_by"), PROMISES)
def test_a_promise_is_kept_by_tests_that_there_are(promise, kept_by):
    named = TEST.findall(kept_by)
    assert named and TEST.sub("", kept_by).strip(" ,") == "", "a row names tests as `tests/FILE.py::FUNCTION`"
    for file, name in named:
        assert name in functions(ROOT / file), f"{file} has no {name}"


def test_every_file_of_attacks_keeps_a_promise():
    """An attack that no row of the page names promises nothing: add one."""
    page = PAGE.read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")} - {Path(__file__).name}
    assert {name for name in files if f"tests/attacks/{name}::" not in page} == set()
