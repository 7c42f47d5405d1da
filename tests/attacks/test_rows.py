"""A cell that holds what it must not: one sentence that names it, or the row is left out; never a traceback."""

import math
import shutil
import sqlite3
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import cli, worker
from core.config.jobs import GenerateConfig
from core.config.training import TrainPolicyConfig
from core.errors import KnownError
from core.humanize import duration
from core.jobs import queue, resumes
from core.jobs.context import JobContext
from core.jobs.recorder import Recorder
from core.labeling.session import LabelingSession
from core.preferences import agreement
from core.resources import resource
from core.rl.adaptive_kl import LiveSettings
from core.store import DATABASE, assignments, drafts, groups, labelers, open_project, prompts, schema
from core.store.connection import connect
from core.store.files import closed
from core.store.runs import job_log, setting_changes
from desktop.charts.series import Series
from desktop.widgets.dates import local_time
from tests.jobs import add_job
from tests.thorough import represented

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


@pytest.mark.parametrize(
    ("cell", "value"),
    represented(
        product(CELLS, ANYTHING),
        *((cell, value) for cell in CELLS for value in ("{", "null")),
        *((("jobs", "config"), value) for value in ANYTHING),
    ),
)
def test_json_that_is_none_or_of_another_kind(damaged, capsys, cell, value):
    table, column = cell
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


@pytest.mark.parametrize("resumed", ["[5]", '[{"step": "x"}]', "5"])
def test_where_a_run_was_resumed_may_be_anything(damaged, capsys, resumed):
    folder = damaged("update jobs set result = json_set(result, '$.resumed', json(?))", resumed)
    assert asked(folder, "jobs") == asked(folder, "runs") == 0
    assert "Traceback" not in capsys.readouterr().err


TIMES = ("", "x", "2024-01-01T00:00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")


@pytest.mark.parametrize("time", TIMES)
def test_a_time_that_is_none(damaged, tmp_path, capsys, time):
    folder = damaged("update jobs set started_at = ?, finished_at = '2024-01-01T00:00:00+00:00'", time)
    with closing(open_project(folder)) as project:
        for job in queue.listed(project):
            assert job.took is None or job.took >= 0
    assert local_time(time) is not None
    assert cli.run(["export-metrics", str(folder), "3", str(tmp_path / "events")]) in (0, 1, 2)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("count", [-(2**63), -1, 2**63 - 1])
def test_no_job_counts_more_than_a_bar_can_show(damaged, count):
    folder = damaged("update jobs set done = ?, total = ?", count, count)
    with closing(open_project(folder)) as project:
        assert all(0 <= job.done < 2**31 and 0 <= job.total < 2**31 for job in queue.listed(project))


def test_a_job_that_cannot_even_be_claimed_keeps_no_other_waiting(filled, monkeypatch):
    def broken(project, job_id):
        raise AttributeError("what lies there is of another kind")

    job = add_job(filled, GenerateConfig())
    monkeypatch.setattr(resumes, "ground", broken)
    assert worker._claimed(filled) is None
    assert queue.get(filled, job.id).status == "failed"


ODD = [
    5, [1], {}, None, True, 1e999, "\ud800", [[1]], [[1], [1]], [[]], [[1, 2, 5]], [[1, 9, 1]],
    {"x": [[[1], [1]], []]},
]  # fmt: skip
BEGUN = {
    "tiers": [[1], [2]], "flags": [], "flag": None, "comment": "", "method": "order", "answers": [], "criterion": "",
    "others": {},
}  # fmt: skip


@pytest.mark.parametrize("field", BEGUN)
def test_what_was_begun_is_read_whole_or_left_out(filled, field):
    me = labelers.named(filled, "me")
    for value in ODD:
        drafts.keep(filled, me.id, 1, BEGUN | {field: value})
        session = LabelingSession(filled, me)
        session.open_next()
        session.editor.open(1)
        with suppress(KnownError):
            session.save()
        for row in filled.database.rows("select method, flag, comment from rankings where labeler_id = ?", me.id):
            assert row["method"] in ("order", "best-worst", "pairwise")
            assert row["flag"] in (None, "\ufffd") and row["comment"] in ("", "\ufffd")
        with filled.write() as database:
            database.execute("delete from rankings where labeler_id = ?", (me.id,))


TAGS = ('[null, 1, [1], {"a": 2}]', '["\\ud800"]', '["a\\u0000b", "", "x\\ny"]')
READING_TAGS = (
    ("prompts",), ("agreement",), ("bias",), ("report",), ("report", "out.html"), ("experiment", "out.html"),
    ("export", "out.jsonl"), ("pairs",), ("rounds",), ("simulate",), ("model",),
)  # fmt: skip


@pytest.mark.parametrize("tags", TAGS)
def test_tags_that_are_no_words(damaged, capsys, tags):
    folder = damaged("update prompts set tags = ?", tags)
    with closing(open_project(folder)) as project:
        assert all(isinstance(tag, str) for tag in prompts.tags(project))
        agreement.measure(project)
        groups.tags(project)
    for command in READING_TAGS:
        assert asked(folder, *command) in (0, 1, 2), command
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told


@pytest.mark.parametrize("key", ["name", "model", "uid", "identity"])
def test_half_a_letter_in_a_cell_becomes_a_sign_for_one(damaged, capsys, key):
    folder = damaged("insert or replace into settings values (?, '\"\\ud800\"')", key)
    for command in (*READING_TAGS, ("trust",)):
        assert asked(folder, *command) in (0, 1, 2), command
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told


@pytest.mark.parametrize("plan", ['"x"', "5", "[1]", "{}", '{"labelers": ["a"], "overlap": 1}', '{"labelers": [999]}'])
def test_a_plan_of_who_ranks_that_is_none(damaged, tmp_path, capsys, plan):
    folder = damaged("insert or replace into settings values ('assigned', ?)", plan)
    for command in (("simulate",), ("pack", "x.plumbpack", "--labeler", "me")):
        asked(folder, *command)
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told


def test_a_plan_of_people_who_are_gone_gives_nobody_anything(filled):
    me = labelers.named(filled, "me")
    filled.set_setting("assigned", {"labelers": [me.id, 999], "overlap": 2})
    assert len(assignments.queue(filled, me.id).waiting) == 6


def test_numbers_without_an_end_are_neither_drawn_nor_reckoned_with(damaged, capsys):
    folder = damaged("update metrics set value = case when id % 2 then 9e999 else 1e308 end")
    with closing(open_project(folder)) as project, project.write() as database:
        database.execute("update scores set score = -9e999")
        database.execute(
            "update jobs set result = '{\"accuracy\": 1e999, \"seconds\": -1e999}' where kind != 'generate'"
        )
    for command in (("report",), ("report", "out.html"), ("experiment", "out.html"), ("runs",)):
        asked(folder, *command)
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told
    series = Series("reward")
    series.extend([(1, 1e308), (2, math.inf), (3, 0.5)])
    assert list(series.values) == [0.5]


@pytest.mark.parametrize("seconds", ['"x"', "[1]", "1e999", "-1e999"])
def test_a_duration_that_is_none(damaged, capsys, seconds):
    folder = damaged("update jobs set result = json_set(result, '$.seconds', json(?)), seconds = 9e999", seconds)
    for command in (("jobs",), ("runs",), ("experiment", "out.html")):
        assert asked(folder, *command) in (0, 1, 2)
        told = capsys.readouterr().err
        assert "Traceback" not in told and "bug" not in told, told
    assert duration(-math.inf) == "1 s"


def test_rankings_of_nobody_are_damage_in_a_file_from_elsewhere(whole, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    assert closed.fault(folder / DATABASE) is None
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("delete from labelers")
        database.commit()
    assert closed.fault(folder / DATABASE) is closed.Fault.DAMAGED


STEERED = [
    ("__class__", 1.0), ("kl_coef", math.inf), ("kl_coef", -1.0), ("learning_rate", 1e300), ("temperature", 0.0),
    ("step", 3.0), ("steps", 1e9),
]  # fmt: skip


@pytest.mark.parametrize("step", [None, 0])
@pytest.mark.parametrize(("name", "value"), STEERED)
def test_a_row_steers_a_run_only_where_and_as_far_as_a_person_could(filled, name, value, step):
    from core.rl import train_job

    config = TrainPolicyConfig(algorithm="rloo")
    job = add_job(filled, config)
    with filled.write() as database:
        for row in ((name, value), ("kl_coef", 0.5)):
            values = (job.id, *row, step, "")
            database.execute(
                "insert into controls (job_id, name, value, step, created_at) values (?, ?, ?, ?, ?)", values
            )
    live = LiveSettings(0.05, 1e-5, 1.0)
    run = SimpleNamespace(
        context=JobContext(filled, job.id, config), config=config, step=0, live=live,
        shared=SimpleNamespace(world=SimpleNamespace(agreed=lambda found: found)),
    )  # fmt: skip
    recorder = Recorder(filled, job.id)
    for event in train_job.Run.steer(run):
        recorder.record(event)
    assert live == LiveSettings(0.5, 1e-5, 1.0)
    assert [row["name"] for row in setting_changes.listed(filled, job.id)] == ["kl_coef"]
    left_out, applied = (row["text"] for row in job_log.lines(filled, job.id))
    assert left_out.startswith("A change of a setting is left out")
    assert applied.startswith("From step 1: kl_coef = 0.5")


DRAFTS = ("5", "[5]", "[{}]", "{", "null", '"abc"', '[{"group": 18446744073709551616}]', "[" * 5000)


@pytest.mark.parametrize(
    ("drafts", "labeler"),
    represented(
        product(DRAFTS, ("1", "x", "7", "9" * 30)),
        *((drafts, "1") for drafts in DRAFTS),
        *(("[{}]", labeler) for labeler in ("1", "x", "7", "9" * 30)),
    ),
)
def test_drafts_and_results_of_an_older_project_may_be_anything(tmp_path, drafts, labeler):
    with closing(connect(tmp_path / DATABASE)) as database:
        schema.apply(database.conn, 1)
        database.execute("insert into settings values (?, ?)", (f"ranking_drafts/{labeler}", drafts))
        database.execute(
            "insert into jobs (kind, name, config, result, created_at) values ('generate', '', '{}', ?, '')", (drafts,)
        )
    with closing(open_project(tmp_path)) as project:
        assert len(queue.listed(project)) == 1
