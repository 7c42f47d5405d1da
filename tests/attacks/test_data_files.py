"""What a data file may cost, how it is read where it could be read in two ways, and texts where one forgets them."""

import csv
import datetime
import gzip
import json
import time

import pyarrow
import pytest
from pyarrow import parquet
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent

from core import cli, data, stopping
from core.cli import output
from core.data import jsonlines, reading, rows, source
from core.data import parquet as low
from core.errors import BadInput, Stopped
from core.events import NewCompletion
from core.labeling import gold
from core.labeling.session import LabelingSession
from core.preferences import agreement
from core.preferences.interval import Interval
from core.records import NewRanking, Prompt
from core.report.measure import Slice
from core.reward import score_file_job
from core.store import completions, labelers, prompts, rankings
from desktop.reward import report_plots
from tests.attacks.strangers import cheap
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
    assert len(asked) == 1 and [item.line for item in refused] == [2]


def test_times_in_parquet_hinder_nobody(tmp_path):
    path, times = tmp_path / "a.parquet", (pyarrow.timestamp("ns"), pyarrow.duration("ns"), pyarrow.time64("ns"))
    columns = {str(kind): pyarrow.array([1], kind) for kind in times}
    parquet.write_table(pyarrow.table({"prompt": ["q"], "day": [datetime.date(2020, 1, 1)], **columns}), path)
    assert [row.prompt for row in data.read(path)] == ["q"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pyarrow.struct([("t", pyarrow.timestamp("ns")), ("x", pyarrow.string())]), {"t": 1, "x": "a"}),
        (pyarrow.struct([("t", pyarrow.timestamp("us"))]), {"t": 2**60}),
        (pyarrow.list_(pyarrow.timestamp("ns")), [1]),
        (pyarrow.list_(pyarrow.duration("ns"), 2), [1, 2]),
        (pyarrow.map_(pyarrow.string(), pyarrow.time64("ns")), [("a", 1)]),
    ],
)
def test_times_within_columns_of_parquet_hinder_nobody(tmp_path, kind, value):
    parquet.write_table(pyarrow.table({"prompt": ["q"], "meta": pyarrow.array([value], kind)}), tmp_path / "a.parquet")
    assert list(low.objects(tmp_path / "a.parquet")) == [(1, {"prompt": "q", "meta": value})]


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
    with (tmp_path / "out.csv").open(newline="") as file:
        assert any(row["completion"] == "a;'=1+1" for row in csv.DictReader(file))
    assert any(answer.text == "a;=1+1" for row in data.read(tmp_path / "out.csv") for answer in row.answers)


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


def packed(damaged):
    """A table that is no UTF-8, cut off or broken in the middle."""
    rows = b"".join(b"q%d \xe9,good %d\n" % (n, n * 7919) for n in range(3000))
    whole = gzip.compress(b"prompt,chosen\n" + rows, mtime=0)
    middle = len(whole) // 2
    return whole[:middle] + (b"" if not damaged else b"\xff" * 50 + whole[middle + 50 :])


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("more", [[], ["--encoding", "cp1252"]])
def test_a_packed_file_that_is_damaged_is_a_sentence(filled, tmp_path, capsys, damaged, more):
    (tmp_path / "a.csv.gz").write_bytes(packed(damaged))
    assert cli.run(["import", str(filled.folder), str(tmp_path / "a.csv.gz"), *more]) == 2
    assert "is damaged and cannot be read to its end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "{0}", "{1}", "--encoding", "utf-16"], "is not text in utf-16"),
        (["import", "{0}", "{1}", "--map", "prompt=prompt\nchosen=x"], "maps no columns"),
        (["prompts", "{0}", "--add", "caf\udce9"], "holds \\udce9"),
        (["prompts", "{0}", "--search", "\udce9"], "holds \\udce9"),
        (["prompts", "{0}", "--conversation", '[{{"role":"user","content":"\\ud83d"}}]'], "holds \\ud83d"),
        (["rank", "{0}", "--labeler", "Ren\udce9", "--order", "1"], "holds \\udce9"),
    ],
)
def test_what_is_no_text_is_a_sentence_wherever_it_is_typed(filled, tmp_path, capsys, words, said):
    (tmp_path / "a.csv").write_bytes(b"prompt\nq\xe9\n")
    assert cli.run([word.format(filled.folder, tmp_path / "a.csv") for word in words]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def quick():
    """Each takes two to four seconds at most under coverage, and without what it is about forty, or no end."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 10


@pytest.mark.usefixtures("quick")
def test_a_list_of_millions_of_nulls_in_a_row_is_a_sentence(tmp_path):
    nulls = pyarrow.ListArray.from_arrays([0, 3_000_000], pyarrow.nulls(3_000_000, pyarrow.int8()))
    parquet.write_table(pyarrow.table({"prompt": ["q"], "much": nulls}), tmp_path / "a.parquet", compression="zstd")
    with pytest.raises(BadInput, match=r"A row of a\.parquet holds more"):
        list(data.read(tmp_path / "a.parquet"))


def test_a_table_of_more_columns_than_anybody_needs_is_a_sentence(tmp_path):
    parquet.write_table(pyarrow.table({"prompt": ["q"], **{f"c{n}": [n] for n in range(1001)}}), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="1,002 columns"):
        list(data.read(tmp_path / "a.parquet"))


@pytest.mark.thorough
def test_rows_of_many_values_are_unpacked_few_at_a_time(tmp_path):
    turns, scores = [[{"role": "user", "content": "a"}] * 20], [[("a", 1), ("b", 2)]]
    maps = pyarrow.array(scores * 30_000, pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    parquet.write_table(
        pyarrow.table({"prompt": ["q"] * 30_000, "turns": turns * 30_000, "scores": maps}), tmp_path / "a.parquet"
    )
    rows = list(low.objects(tmp_path / "a.parquet"))
    assert len(rows) == 30_000 and rows[-1] == (30_000, {"prompt": "q", "turns": turns[0], "scores": scores[0]})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("name", "begin", "part", "said"),
    [
        ("a.jsonl.gz", '{"prompt":"q","x":[', "{},", "A line is longer"),
        ("a.csv.gz", "prompt\n", "xxx", "A line is longer"),
        ("blank.jsonl.gz", "", "\n", "empty lines"),
        ("blank.txt.gz", "q\n", "\r\n", "empty lines"),
        ("blank.csv.gz", "prompt,b\n", ",\n", "empty lines"),
        ("blank.json.gz", "", " \n", "empty lines"),
    ],
)
def test_a_few_bytes_do_not_become_all_memory(tmp_path, monkeypatch, name, begin, part, said):
    monkeypatch.setattr(jsonlines, "LINE", 1 << 20)
    monkeypatch.setattr(jsonlines, "NOTHING", 100_000)
    with gzip.open(tmp_path / name, "wt", compresslevel=1) as file:
        file.write(begin + part * 600_000)
    with pytest.raises(BadInput, match=said):
        list(data.read(tmp_path / name))


@pytest.mark.parametrize(("name", "text"), [("a.json", "[" + "[]," * 1001), ("a.jsonl", "[]\n" * 1001)])
def test_refused_lines_do_not_become_all_memory(tmp_path, monkeypatch, name, text):
    monkeypatch.setattr(reading, "MOST_REFUSED", 1000)
    (tmp_path / name).write_text('{"prompt": "q"}\n' * name.endswith("l") + text)
    with pytest.raises(BadInput, match=r"1,000 lines .* cannot be used"):
        list(data.read(tmp_path / name))


@pytest.mark.parametrize("piece", [1, 7, 1 << 18])
def test_an_array_is_read_object_by_object_wherever_its_pieces_end(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(jsonlines, "PIECE", piece)
    monkeypatch.setattr(jsonlines, "LINE", 200)
    values = [{"prompt": '[{"\\\u00e9\U0001f600', "x": [1e-9, -12, None]}, {"prompt": "b\n", "y": {"z": True}}] * 20
    for indent in (None, 1):
        (tmp_path / "a.json").write_text(json.dumps(values, indent=indent), encoding="utf-8")
        assert list(source.objects(tmp_path / "a.json")) == list(enumerate(values, start=1))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('[{"a": 1}, {"a": 2}, {"a": ', 2),
        ('[{"a": 1}, {"a": 2}', 2),
        ('[{"a": 1} {"a": 2}]', 1),
        ('[{"a": 1}] {"a": 2}', 1),
        ('[{"a": 1}, nonsense, {"a": 2}]', 1),
        ('{"a":\n 1}\n{"a":\n 2}', 1),
        ("", 0),
    ],
)
def test_what_follows_a_broken_place_in_an_array_is_refused_and_said(tmp_path, text, read):
    (tmp_path / "a.json").write_text(text)
    *found, refused = source.objects(tmp_path / "a.json")
    assert len(found) == read and "from here on the file is not JSON" in refused.reason


def test_a_row_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonlines, "LINE", 1000)
    row = "x," + ('"' + "a" * 50 + '\n",') * 30
    (tmp_path / "a.csv").write_text("prompt,chosen\nfirst,\n" + row)
    first, refused = data.read(tmp_path / "a.csv")
    assert first.prompt == "first" and "a row is longer than 1,000" in refused.reason


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.csv", "a.json.gz"])
def test_whoever_looks_at_a_file_may_end_it_though_no_row_comes(tmp_path, name):
    with (gzip.open if name.endswith("gz") else open)(tmp_path / name, "wt") as file:
        file.write("prompt,chosen" + "\n" * 400_000)
    asked = []

    def tell(count):
        asked.append(count)
        if len(asked) == 4:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        data.preview(tmp_path / name, tell=tell)
    assert asked == [0] * 4


def test_parquet_hears_that_it_is_to_end(tmp_path):
    parquet.write_table(pyarrow.table({"other": ["q"] * 10}), tmp_path / "a.parquet")

    def stop():
        raise Stopped("enough")

    with pytest.raises(Stopped):
        stopping.heeding(stop).run(data.preview, tmp_path / "a.parquet")


def test_no_ranking_has_more_answers_than_anybody_orders(filled, tmp_path):
    for count in (101, 100):
        answers = [{"text": f"a{n}", "rank": n + 1} for n in range(count)]
        row = {"prompt": "q", "completions": answers, "labeler": {"name": "x"}}
        (tmp_path / f"{count}.jsonl").write_text(json.dumps(row))
    (row,) = data.read(tmp_path / "101.jsonl")
    assert isinstance(row, data.Refused) and "101 answers" in row.reason
    assert not isinstance(next(iter(data.read(tmp_path / "100.jsonl"))), data.Refused)


def test_completions_that_nobody_could_order_do_not_wait_for_anybody(filled):
    (prompt,) = prompts.add(filled, [Prompt(0, "Many?")]).ids
    large = completions.add_group(filled, prompt, tuple(NewCompletion(str(n), 0, True, 0) for n in range(101)))
    session = LabelingSession(filled, labelers.named(filled, "new"))
    assert large not in session.queue and session.waiting == session.total > 0
    with pytest.raises(BadInput, match="101 completions"):
        session.editor.adjudicate(large)


@pytest.mark.thorough
@pytest.mark.usefixtures("quick")
def test_a_pattern_whose_search_does_not_end_is_a_sentence(recwarn):
    with pytest.raises(BadInput, match="takes too long"):
        gold.find(None, "regex:(a+)+$")("", "a" * 40 + "!")
    assert gold.find(None, "regex:[[a]")("", "a[b") == 2
    assert not [each for each in recwarn if each.category is FutureWarning]
    with cheap(0.5), pytest.raises(BadInput, match="letters: give one of at most 5,000"):
        gold.check("regex:(?i)" + "[\\0-\U0010ffff]" * 4_000)


def test_a_quote_that_never_closes_is_said(tmp_path):
    (tmp_path / "a.csv").write_text('prompt\nfirst\n"he" said\n"two\nlines"\n"open\nsecond\nthird')
    *rows, refused = data.read(tmp_path / "a.csv")
    assert [row.prompt for row in rows] == ["first", "he said", "two\nlines"]
    assert refused.line == 6 and "never closes" in refused.reason


@pytest.mark.thorough
@pytest.mark.usefixtures("quick")
def test_thousands_of_labelers_are_compared_in_time(filled):
    with filled.write():
        group = completions.group(filled, completions.group_ids(filled)[0])
        ranks = {item.id: place for place, item in enumerate(group.completions, start=1)}
        for n in range(400):
            rankings.add(filled, NewRanking(group.id, labelers.named(filled, f"worker {n}").id, ranks))
    report = agreement.measure(filled, resamples=3)
    assert report.overall.labelers == len(report.labelers) == agreement.MOST_LABELERS
    assert report.left_out == 350 and "350 are left out" in report.lacks


@pytest.mark.usefixtures("quick")
def test_thousands_of_tags_are_measured_in_time(filled):
    with filled.write():
        for number, prompt_id in enumerate(prompts.ids(filled)):
            prompts.edit(filled, prompt_id, tags=tuple(f"tag {number} {k}" for k in range(10_000)))
        for group_id in completions.group_ids(filled):
            ranks = {item: place for place, item in enumerate(completions.ids(filled, group_id), start=1)}
            for name in ("a", "b"):
                rankings.add(filled, NewRanking(group_id, labelers.named(filled, name).id, ranks))
    report = agreement.measure(filled, resamples=100)
    assert len(report.tags) == agreement.MOST_TAGS < report.overall.groups * 10_000


@pytest.mark.usefixtures("quick")
def test_a_record_of_thousands_of_fields_is_read_in_time(tmp_path):
    fields = {"prompt": "x", **{f"f-{n}": "t" for n in range(5000)}}
    values = {"q": {"value": [{"value": f"z{n}", "rank": 1} for n in range(5000)]}}
    record = {"fields": fields, "responses": [{"status": "submitted", "values": values}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    assert [row.reason for row in data.read(tmp_path / "a.jsonl")] == [
        "it has 5,000 answers, and a ranking may have 100"
    ]


def test_no_cell_pushes_the_others_out_of_sight():
    lines = output.table([("a" * 1_000_000, 1), ("b", 2)], ("text", "n")).splitlines()
    assert max(map(len, lines)) < 250 and "…" in lines[1]


def test_texts_are_no_conversations_of_an_arena(tmp_path):
    battle = {"conversation_a": "Hi there A", "conversation_b": "Hi there B", "winner": "model_a"}
    (tmp_path / "a.jsonl").write_text(json.dumps(battle))
    (refused,) = data.read(tmp_path / "a.jsonl")
    assert "no lists of messages" in refused.reason


def test_a_duration_of_ages_is_none():
    assert [rows.seconds(each) for each in (1e308, "inf", -1, "nan", 5, 90_000)] == [None, None, None, None, 5, 90_000]


def test_a_row_that_says_something_twice_is_not_guessed(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"prompt": "q", "chosen": "a", "rejected": "b", "chosen": "c"}\n{"prompt": "r"}')
    refused, row = data.read(tmp_path / "a.jsonl")
    assert refused.reason == "it says `chosen` twice" and row.prompt == "r"


@pytest.mark.usefixtures("quick")
def test_pairs_of_a_group_without_end_are_counted_in_time(filled, capsys):
    """n answers in an order give n(n - 1) / 2 pairs; n - 1 of them hold the one that was written by hand."""
    n = 20_000
    who = labelers.named(filled, "Ana").id
    large = completions.add_group(filled, 1, (NewCompletion("by hand", 1, True, 1, written_by=who),))
    with filled.write() as database:
        database.many("insert into completions (group_id, text) values (?, ?)", [(large, str(k)) for k in range(n - 1)])
    found = completions.ids(filled, large)
    rankings.add(filled, NewRanking(large, who, {item: place for place, item in enumerate(found, 1)}))
    assert cli.run(["pairs", str(filled.folder)]) == 0
    said = capsys.readouterr().out
    assert (
        f"{n * (n - 1) // 2} pairs" in said and f"{n - 1} of the pairs hold an answer that was written by hand" in said
    )


@pytest.mark.usefixtures("quick")
def test_scripts_rank_answers_of_many_words_in_time(filled, monkeypatch):
    monkeypatch.setattr(gold, "READ", 2000)
    words = "good bad fine terrible but you the great, awful not so very really kind of table chair " * 4_000
    completions.add_group(filled, 1, (NewCompletion(words, 1, True, 1), NewCompletion("bad", 1, True, 1)))
    assert cli.run(["rank", str(filled.folder), "--scripted", "warmth"]) == 0
    assert cli.run(["simulate", str(filled.folder), "--gold", "sentiment"]) == 0
