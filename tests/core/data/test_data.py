"""Files in and out: each format, each refusal, and nothing half imported."""

import gzip
import json
import time
from pathlib import Path

import pytest

from core import data
from core.data.demonstrations import import_demonstrations
from core.errors import BadInput, NothingToDo
from core.records import NewRanking, Prompt
from core.store import completions, labelers, pairs, prompts, rankings
from tests.ranked import counting_rankings

HH = Path(__file__).resolve().parents[4] / "shared" / "data" / "hh-harmless-dev.jsonl.gz"


def write(path: Path, *rows) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8"
    )
    return path


def test_plain_text_is_one_prompt_a_line(project, tmp_path):
    report = data.import_prompts(project, write(tmp_path / "a.txt", "one", "", "  two ", "one"))
    assert (report.added, report.known) == (2, 1)
    assert [prompt.text for prompt in prompts.listed(project)] == ["one", "two"]


def test_json_lines_carry_tags_and_split_and_broken_lines_are_named(project, tmp_path):
    path = write(
        tmp_path / "a.jsonl",
        {"prompt": "a", "tags": ["x"], "split": "heldout"},
        {"prompt": [{"role": "user", "content": "b"}]},
        "{broken",
        {"other": 1},
        "[1]",
        {"prompt": 7},
    )
    report = data.import_prompts(project, path)
    assert report.added == 2
    assert [item.line for item in report.refused] == [3, 4, 5, 6]
    assert prompts.get(project, 1).tags == ("x",)
    assert prompts.get(project, 1).split == "heldout"


def test_csv_with_a_bom_and_newlines_in_cells(project, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffprompt,chosen,rejected\n"two\nlines",good,bad\nx,same,same\n'.encode())
    report = data.import_preferences(project, path, "them")
    assert report.added == 1
    assert "the same" in report.refused[0].reason
    assert pairs.listed(project)[0].prompt == "two\nlines"


def test_trl_standard_and_conversational_preferences(project, tmp_path):
    user, good, bad = (
        {"role": r, "content": c} for r, c in (("user", "q"), ("assistant", "good"), ("assistant", "bad"))
    )
    path = write(
        tmp_path / "a.jsonl",
        {"prompt": "p", "chosen": " c", "rejected": " r"},
        {"prompt": [user], "chosen": [good], "rejected": [bad]},
        {"chosen": [user, good], "rejected": [user, bad]},
        {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        {"prompt": "p", "chosen": "c", "rejected": ""},
    )
    report = data.import_preferences(project, path, "them")
    assert [(pair.prompt, pair.chosen, pair.rejected) for pair in pairs.listed(project)] == [
        ("p", " c", " r"),
        ("q", "good", "bad"),
    ]
    assert (report.added, report.known) == (2, 1)
    assert [item.line for item in report.refused] == [4, 5]


@pytest.mark.skipif(not HH.is_file(), reason="the shared preference data is not beside the repository")
def test_hh_dialogues_import_whole_and_fast(project):
    began = time.process_time()
    report = data.import_preferences(project, HH, "hh")
    assert time.process_time() - began < 5
    assert report.added + len(report.refused) == 1156
    assert pairs.counts(project).pairs == report.added
    assert sum("different prompts" in item.reason for item in report.refused) == 5
    assert sum("empty" in item.reason for item in report.refused) == 2


def test_our_own_format_loses_nothing(filled, tmp_path):
    me = labelers.named(filled, "me")
    a, b, c, d = (item.id for item in completions.group(filled, 1).completions)
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 1, c: 2, d: None}, flags={c: "broken"}, comment="hm"))
    e = [item.id for item in completions.group(filled, 2).completions]
    rankings.add(filled, NewRanking(2, me.id, dict.fromkeys(e), flag="unsafe"))
    before = pairs.listed(filled)
    for _ in range(2):  # what was exported before is written over
        assert data.export(filled, tmp_path / "out.jsonl", "plumbline").written == 2
    again = data.import_preferences(filled, tmp_path / "out.jsonl", "ignored")
    assert (again.added, again.known) == (0, 2), "importing one's own export changes nothing"
    filled.database.execute("delete from rankings")
    assert data.import_preferences(filled, tmp_path / "out.jsonl", "ignored").added == 2
    assert [(p.prompt, p.chosen, p.rejected) for p in pairs.listed(filled)] == [
        (p.prompt, p.chosen, p.rejected) for p in before
    ]
    first, second = counting_rankings(filled)
    assert (first.comment, list(first.flags.values()), second.flag, first.labeler.name) == (
        "hm",
        ["broken"],
        "unsafe",
        "me",
    )


def test_trl_export_says_what_it_cannot_carry(filled, tmp_path):
    me = labelers.named(filled, "me")
    a, b, c, d = (item.id for item in completions.group(filled, 1).completions)
    rankings.add(filled, NewRanking(1, me.id, {a: 1, b: 1, c: 2, d: 3}, comment="hm"))
    report = data.export(filled, tmp_path / "out.jsonl", "trl")
    assert report.written == 5
    assert (report.lost["tied pairs"], report.lost["comments"]) == (1, 1)
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert set(first) == {"prompt", "chosen", "rejected"}


def test_files_that_cannot_be_read_are_refused_with_a_sentence(project, tmp_path):
    with pytest.raises(BadInput, match="not a file"):
        data.import_prompts(project, tmp_path / "none.txt")
    with pytest.raises(BadInput, match="not a file"):
        data.import_prompts(project, tmp_path)
    with pytest.raises(NothingToDo, match="no prompts"):
        data.import_prompts(project, write(tmp_path / "empty.txt", "", ""))
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n" * 10)
    with pytest.raises(BadInput, match="UTF-8"):
        data.import_prompts(project, tmp_path / "latin.txt")
    whole = gzip.compress(b'{"prompt": "a"}\n' * 5000)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"damaged|cannot be read"):
        data.import_preferences(project, tmp_path / "cut.jsonl.gz", "x")
    assert prompts.count(project) == 0
    with pytest.raises(BadInput, match="no format"):
        data.export(project, tmp_path / "x", "pdf")


@pytest.mark.parametrize("what", ["prompts", "preferences", "demonstrations"])
def test_an_export_does_not_write_over_what_was_imported(project, tmp_path, what):
    path = tmp_path / "mine.jsonl"
    if what == "prompts":
        path.write_text('{"prompt": "p", "note": "n"}', encoding="utf-8")
        data.import_prompts(project, path)
    elif what == "preferences":
        prompts.add(project, [Prompt(0, "p")])
        path.write_text('{"prompt": "p", "chosen": "a", "rejected": "b", "note": "n"}', encoding="utf-8")
        data.import_preferences(project, path, "Ada")
    else:
        prompts.add(project, [Prompt(0, "p")])
        path.write_text('{"prompt": "p", "completion": "a", "note": "n"}', encoding="utf-8")
        import_demonstrations(project, path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"was imported here.*choose another name"):
        data.export(project, path, "plumbline")
    assert path.read_bytes() == before
    data.export(project, tmp_path / "another.jsonl", "plumbline")


def test_an_export_names_the_answers_that_it_does_not_carry(filled, tmp_path):
    path = write(tmp_path / "set.jsonl", {"prompt": "p", "completion": "a"})
    import_demonstrations(filled, path)
    me = labelers.named(filled, "me")
    rankings.add(
        filled, NewRanking(1, me.id, {item: place for place, item in enumerate(completions.ids(filled, 1), 1)})
    )
    for name in data.EXPORTERS:
        lost = data.export(filled, tmp_path / "out.csv", name).lost
        assert (lost["prompts whose answers nobody ranked"], lost["demonstrations"]) == (5, 1), name
