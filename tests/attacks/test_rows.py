"""A cell that holds what it must not: one sentence that names it, or the row is left out; never a traceback."""

import shutil
from pathlib import Path

import pytest

from core import cli
from core.jobs import queue
from core.resources import resource
from core.store import open_project

ANYTHING = (
    "",
    "{",
    "null",
    "5",
    '"x"',
    "[[1]]",
    '{"a": {"b": [1]}}',
    '{"steps": "x", "algorithm": 3, "options": 5}',
    "[" * 5000,
)
CELLS = (
    ("settings", "value"), ("prompts", "tags"), ("jobs", "config"), ("jobs", "result"), ("completions", "sampling"),
)  # fmt: skip
READING = (
    ("guidelines",), ("prompts",), ("pairs",), ("jobs",), ("runs",), ("rounds",), ("agreement",), ("model",),
    ("export", "out.jsonl"),
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "demo"
    shutil.copytree(resource("demo"), folder, ignore=shutil.ignore_patterns("runs"))
    open_project(folder).close()
    return folder


@pytest.fixture
def damaged(whole, tmp_path):
    """The demo with a value in a column of all its rows."""

    def make(statement: str, *values: object) -> Path:
        folder = tmp_path / "project"
        shutil.copytree(whole, folder)
        (folder / "runs").mkdir(exist_ok=True)
        project = open_project(folder)
        with project.write() as database:
            database.execute(statement, values)
        project.close()
        return folder

    return make


def asked(folder: Path, *command: str) -> int:
    name, *rest = command
    return cli.run([name, str(folder), *(str(folder / each) for each in rest)])


@pytest.mark.parametrize(("table", "column"), CELLS)
@pytest.mark.parametrize("value", ANYTHING)
def test_json_that_is_none_or_of_another_kind(damaged, capsys, table, column, value):
    folder = damaged(f"update {table} set {column} = ?", value)
    for command in READING:
        assert asked(folder, *command) in (0, 1, 2)
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told


def test_the_sentence_names_the_row(damaged, capsys):
    folder = damaged("update prompts set tags = '{' where id = 3")
    assert asked(folder, "prompts") == 2
    assert "The tags of prompt 3 cannot be read" in capsys.readouterr().err


def test_a_job_that_cannot_be_read_is_listed_and_says_so(damaged, capsys):
    folder = damaged("update jobs set config = '{\"steps\": \"many\"}' where kind = 'train-policy'")
    project = open_project(folder)
    (odd,) = [job for job in queue.listed(project) if job.kind == "train-policy"]
    assert "cannot be read" in odd.error
    project.close()
    assert asked(folder, "runs") == 0


@pytest.mark.parametrize("rank", [2**63 - 1, 2**53 + 1, 1_000_000, 7])
def test_a_rank_beyond_the_completions_is_named(damaged, capsys, rank):
    folder = damaged("insert into labelers (name) values ('second')")
    project = open_project(folder)
    with project.write() as database:
        database.execute(
            "insert into rankings (group_id, labeler_id, guidelines_id, created_at, uid)"
            " select group_id, (select max(id) from labelers), guidelines_id, created_at, 'second' from rankings"
            " limit 1"
        )
        database.execute(
            "insert into ranking_items (ranking_id, completion_id, rank) select (select max(id) from rankings), c.id, ?"
            " from completions c where c.group_id = (select group_id from rankings where uid = 'second')", (rank,)
        )  # fmt: skip
    project.close()
    assert asked(folder, "agreement") == 2
    assert "has a rank beyond their number" in capsys.readouterr().err
    assert asked(folder, "pairs") == 0
