"""What an attack on texts and data files found."""

import csv
import datetime
import json

import pyarrow
import pytest
from pyarrow import parquet
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent

from core import cli, data
from core.errors import BadInput
from core.labeling import gold
from core.preferences.interval import Interval
from core.report.measure import Slice
from core.reward import score_file_job
from desktop.reward import report_plots
from tests.desktop.conftest import *  # noqa: F403


def test_the_tip_of_a_slice_is_text(qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(report_plots.QToolTip, "showText", lambda place, text, widget: said.append(text))
    dots = report_plots.SliceDots([Slice("<img src='file:///dev/zero'>", Interval(0.5, 0.4, 0.6), 3)], "By tag")
    qtbot.addWidget(dots)
    dots.event(QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5)))
    assert len(said) == 1 and "<img" not in said[0] and "&lt;img" in said[0]


@pytest.mark.parametrize("pattern", ["(" * 5000, "a{99999999999999}"])
def test_a_pattern_that_cannot_be_read_is_a_sentence(pattern):
    with pytest.raises(BadInput, match="not a regular expression"):
        gold.check(f"regex:{pattern}")


@pytest.mark.parametrize("row", ['{"x":' + "[" * 100_000, '{"prompt": "a\\ud800", "completion": "b"}'])
def test_a_row_that_cannot_be_scored_is_left_out(tmp_path, row):
    path = tmp_path / "asked.jsonl"
    path.write_text('{"prompt": "q", "completion": "a"}\n' + row + "\n")
    asked, refused = score_file_job.read(path)
    assert len(asked) == 1 and refused == [2]


def test_times_in_parquet_hinder_nobody(tmp_path):
    path, times = tmp_path / "a.parquet", (pyarrow.timestamp("ns"), pyarrow.duration("ns"), pyarrow.time64("ns"))
    columns = {str(kind): pyarrow.array([1], kind) for kind in times}
    parquet.write_table(pyarrow.table({"prompt": ["q"], "day": [datetime.date(2020, 1, 1)], **columns}), path)
    assert [row.prompt for row in data.read(path)] == ["q"]


def test_two_fields_of_one_name_in_parquet_are_a_sentence(tmp_path):
    path, names = tmp_path / "a.parquet", pyarrow.array(["x"])
    both = pyarrow.StructArray.from_arrays([names, names], names=["a", "a"])
    parquet.write_table(pyarrow.table({"prompt": ["q"], "both": both}), path)
    with pytest.raises(BadInput, match="damaged"):
        list(data.read(path))


def test_no_text_is_taken_apart_by_another_sign_between_cells(filled, tmp_path):
    rows = {"text": "a;=1+1"}, {"text": "b"}
    row = {"prompt": "q", "completions": [each | {"rank": 1} for each in rows], "labeler": {"name": "x"}}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    data.import_preferences(filled, tmp_path / "in.jsonl", "x")
    data.export(filled, tmp_path / "out.csv", "csv")
    assert '"a;=1+1"' in (tmp_path / "out.csv").read_text()
    with (tmp_path / "out.csv").open(newline="") as file:
        assert any(row["completion"] == "a;=1+1" for row in csv.DictReader(file))


def test_a_folder_that_a_terminal_would_obey_is_asked_about_as_text(tmp_path, monkeypatch):
    folder, said = str(tmp_path / "\x1b[2Jevil"), []
    cli.run(["new", folder])
    monkeypatch.setattr("sys.stdin", type("Typed", (list,), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.confirm", lambda text, **_: said.append(text))
    cli.run(["trust", folder])
    assert len(said) == 1 and "evil" in said[0] and "\x1b" not in said[0]


def test_a_prompt_that_both_sides_repeat_is_no_part_of_the_answers(tmp_path):
    asked = {"role": "user", "content": "Hi?"}
    sides = {name: [asked, {"role": "assistant", "content": name}] for name in ("chosen", "rejected")}
    (tmp_path / "a.jsonl").write_text(json.dumps({"prompt": "Hi?", **sides}))
    (row,) = data.read(tmp_path / "a.jsonl")
    assert [answer.text for answer in row.answers] == ["chosen", "rejected"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("prompt,chosen,rejected\nHello, world,good,bad\n", "more cells"),
        ("prompt,chosen,rejected,chosen\nq,good,bad,worse\n", "two columns"),
    ],
)
def test_a_table_that_could_be_read_otherwise_is_not_guessed(tmp_path, table, reason):
    (tmp_path / "a.csv").write_text(table)
    (refused,) = data.read(tmp_path / "a.csv")
    assert isinstance(refused, data.Refused) and reason in refused.reason
