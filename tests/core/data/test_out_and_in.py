"""Files that an export wrote, and that an import met before: packed or not, however much is in them."""

import csv
import gzip
import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from core import data
from core.store import Project, assignments, completions, create_project, guidelines, labelers

ROW = {"prompt": "q", "chosen": "good", "rejected": "bad"}


@pytest.fixture
def ranked(project: Project, tmp_path: Path) -> Path:
    """The file that the project's only ranking came from."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(ROW), encoding="utf-8")
    data.import_preferences(project, path, "me")
    return path


@pytest.mark.parametrize("name", data.EXPORTERS)
@pytest.mark.parametrize("suffix", [".gz", ".GZ"])
def test_what_is_called_packed_is_packed_and_comes_back(project, ranked, tmp_path, name, suffix):
    path = tmp_path / f"out.{'csv' if name == 'csv' else 'json' if name in ('argilla', 'label-studio') else 'jsonl'}"
    data.export(project, path, name)
    packed = path.with_name(path.name + suffix)
    data.export(project, packed, name)
    assert gzip.decompress(packed.read_bytes()) == path.read_bytes()
    assert data.preview(packed).total == data.preview(path).total == (name != "kto")  # nothing is good or bad


def test_a_file_is_known_again_after_somebody_wrote_an_answer(project, ranked, tmp_path):
    (group_id,) = completions.group_ids(project)
    completions.write(project, group_id, labelers.named(project, "Ann").id, "better")
    assert (data.import_preferences(project, ranked, "me").known, completions.group_ids(project)) == (1, [group_id])


def test_a_table_of_many_criteria_has_no_column_for_each(project, tmp_path):
    answers = [{"text": "good", "rank": 1}, {"text": "bad", "rank": 2}]
    criteria = [{f"c{number} {k}": [2, 1] for k in range(15)} for number in range(2)]
    rows = [
        {"prompt": f"q{number}", "completions": answers, "labeler": {"name": "x"}, "criteria": each}
        for number, each in enumerate(criteria)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data.import_preferences(project, tmp_path / "in.jsonl", "me")
    data.export(project, tmp_path / "out.csv", "csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert len(next(csv.reader(file))) < 20
    assert [row.criteria for row in data.read(tmp_path / "out.csv")] == [
        dict.fromkeys(each, (2, 1)) for each in criteria
    ]


def test_a_criterion_is_no_formula_in_the_first_line_and_comes_back(project, tmp_path):
    answers = [{"text": "good", "rank": 1}, {"text": "bad", "rank": 2}]
    row = {"prompt": "q", "completions": answers, "labeler": {"name": "x"}, "criteria": {"tone;=1+1": [1, 2]}}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    data.import_preferences(project, tmp_path / "in.jsonl", "me")
    assert data.export(project, tmp_path / "out.csv", "csv").note.startswith("1 cell has an apostrophe more")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert not any(cell.startswith("=") for cell in next(csv.reader(file, delimiter=";")))
    assert [row.criteria for row in data.read(tmp_path / "out.csv")] == [{"tone;=1+1": (1, 2)}]


@pytest.mark.thorough
def test_texts_that_look_like_lists_are_taken_apart_once(tmp_path):
    names = ("completions", "responses", "answers", "outputs", "output", "generations", "candidates", "samples")
    row = {"prompt": "q"} | {name: f"['{name}'," + "1," * 100_000 + "(]" for name in names}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    began = time.process_time()
    data.preview(tmp_path / "a.jsonl")
    assert time.process_time() - began < 4


def test_a_ranking_comes_back_under_the_guidelines_that_it_was_made_under(project, ranked, tmp_path):
    old = guidelines.current(project)
    guidelines.save(project, criteria="new rules", ties="", flags="", examples="")
    path = tmp_path / "out.jsonl"
    data.export(project, path, "plumbline")
    for known in (True, False):
        with closing(create_project(tmp_path / str(known))) as other:
            for each in [*([old] if known else []), guidelines.current(project)]:
                guidelines.save(other, criteria=f"{each.criteria} ", ties=each.ties, flags=each.flags,
                                examples=each.examples)  # fmt: skip
            report = data.import_preferences(other, path, "me")
            assert len(assignments.older(other)) == known, "it is due to be made again"
            assert any("1 ranking is of other guidelines" in note for note in report.notes) != known
