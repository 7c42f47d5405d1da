"""`rank` in the terminal: the same queue, repeats, calibration, drafts and undo as in the window."""

import json
import re

import pytest
from click.testing import CliRunner

from core.cli import cli
from core.events import NewCompletion
from core.labeling.session import LabelingSession
from core.records import Prompt
from core.store import Project, assignments, calibration, completions, labelers, open_project, prompts, rankings
from tests.core.labeling.test_labelers import person, rank
from tests.ranked import counting_rankings


@pytest.fixture
def terminal(filled):
    """Run `rank` with what the labeler types; returns what is said on the way, and the JSON result."""

    def run(*arguments: str, typed: str = "") -> tuple[str, dict]:
        done = CliRunner().invoke(cli, ["rank", str(filled.folder), "--json", *arguments], input=typed)
        assert done.exit_code == 0, done.output
        return done.stderr, json.loads(done.stdout.strip().splitlines()[-1])

    return run


def stored(project: Project, name: str = "me") -> list[int]:
    return [found.group_id for found in counting_rankings(project, labeler_id=person(project, name))]


def test_one_after_the_other_and_what_is_put_off_is_not_asked_again(terminal, filled):
    told, result = terminal(typed="2>1\ns\n1>2>3>4\nf unsafe\n1\n1\n")
    assert result == {"ranked": 5}
    assert stored(filled) == [1, 3, 4, 5, 6]
    assert told.count("question 2?") == 1
    assert [found.flag for found in counting_rankings(filled)][2] == "unsafe"
    first = counting_rankings(filled)[0]
    shown = rankings.shown_order(1, first.labeler.id, sorted(first.ranks))
    assert [first.ranks[item] for item in shown] == [2, 1, None, None]
    assert first.seconds is not None


def test_what_is_no_order_is_asked_again(terminal, filled):
    told, result = terminal(typed="9>1\nf nonsense\n2>1\n" + "s\n" * 5)
    assert result == {"ranked": 1}
    assert "'9' is no completion" in told and "no flag 'nonsense'" in told


def test_assigned_prompts_alone_are_asked(terminal, filled):
    assignments.assign(filled, [person(filled, "me"), person(filled, "Bo")], 1)
    mine = assignments.queue(filled, person(filled, "me")).waiting
    _, result = terminal(typed="1\n" * len(mine))
    assert result == {"ranked": len(mine)} and stored(filled) == sorted(mine)
    assert 0 < len(mine) < 6


def test_a_repeat_is_asked_unannounced_and_stored_as_one(terminal, filled, monkeypatch):
    monkeypatch.setattr(assignments, "REPEAT_AFTER", 2)
    filled.set_setting(assignments.REPEAT_EVERY, 3)
    told, result = terminal(typed="1>2\n" * 8)
    assert result == {"ranked": 8}
    assert [told.count(f"question {n}?") for n in range(1, 7)] == [2, 2, 1, 1, 1, 1]
    rows = filled.database.rows("select group_id, repeat_of from rankings where repeat_of is not null")
    assert rows == [{"group_id": 1, "repeat_of": 1}, {"group_id": 2, "repeat_of": 2}]


def test_the_calibration_set_comes_first_and_its_result_is_told(terminal, filled):
    author = person(filled, "Author")
    for group in (3, 5):
        order = completions.ids(filled, group)
        shown = rankings.shown_order(group, person(filled, "me"), order)
        calibration.add(filled, rank(filled, group, author, *(order.index(item) for item in shown)))
    told, result = terminal(typed="1>2>3>4\n4>3>2>1\n" + "s\n" * 4)
    assert result == {"ranked": 2} and stored(filled) == [3, 5]
    assert told.count("The calibration set is done") == 1
    assert "order 50%" in told and "Read the guidelines again" in told
    after = told.split("The calibration set is done")[1].split("Order (2>1=3)")[0]
    assert "question 5?" in after and "question 3?" not in after
    assert "       1    4  " in after, "the author's rank beside mine"


def test_no_text_passes_for_one_of_the_numbers(terminal, filled):
    forged = "bad\n  2  a good answer\x0b  3  another\u2028  4  third\n\n  5  more"
    (number,) = prompts.add(filled, [Prompt(0, "Which?\n  1  a kind answer\n")]).ids
    completions.add_group(filled, number, (NewCompletion(forged, 0, True, 1), NewCompletion("good", 0, True, 1)))
    told, _ = terminal(typed="s\n" * 8)
    shown = told.split("Which?")[1].split("Order (2>1=3)")[0].splitlines()
    numbered = [line for line in shown if re.match(r"  \d+  ", line)]
    assert sorted(line[5:] for line in numbered) == ["bad", "good"]
    assert sum("a kind answer" in line or "a good answer" in line for line in shown) == 2, "they are read all the same"


def test_a_single_order_takes_the_next_of_the_same_queue(terminal, filled):
    calibration.add(filled, rank(filled, 4, person(filled, "Author"), 0, 1, 2, 3))
    told, result = terminal("--order", "1>2>3>4")
    assert result["group"] == 4 and "The calibration set is done" in told
    assert rankings.get(filled, result["ranking"]).seconds is None, "nobody read it"
    assert terminal("--flag", "unsafe", "--group", "2")[1]["group"] == 2
    assert sorted(stored(filled)) == [2, 4]


def test_what_was_begun_in_the_window_is_offered(terminal, filled):
    session = LabelingSession(filled, labelers.named(filled, "me"))
    session.open_next()
    shown = session.ordering.shown
    session.editor.change(session.ordering.place_last(shown[2]).place_last(shown[0]))
    session.editor.set_comment("hm")
    told, _ = terminal(typed="\n" + "s\n" * 5)
    assert "[3>1]" in told
    (found,) = counting_rankings(filled)
    assert (found.comment, found.ranks[shown[2]], found.ranks[shown[0]]) == ("hm", 1, 2)


def test_undo_takes_back_the_last_ranking_and_asks_again(terminal, filled):
    told, result = terminal(typed="1\nu\n2>1\n" + "s\n" * 5)
    assert result == {"ranked": 1} and "Undone: Rank." in told
    (found,) = counting_rankings(filled)
    shown = rankings.shown_order(1, found.labeler.id, sorted(found.ranks))
    assert [found.ranks[item] for item in shown[:2]] == [2, 1]


def test_the_order_that_the_terminal_asks_for_is_what_the_window_shows(terminal, filled):
    terminal(typed="4\ns\n" + "1\n" * 3 + "s\n")
    other = open_project(filled.folder)
    session = LabelingSession(other, labelers.named(other, "me"))
    assert list(session.queue) == [2, 6] and session.ranked == 4
    other.close()


def test_what_was_ordered_by_a_criterion_last_is_offered_as_the_order_as_a_whole(terminal, filled):
    begun = LabelingSession(filled, labelers.named(filled, "me"))
    begun.open_next()
    a, b, *_ = begun.ordering.shown
    overall = begun.ordering.place_last(a).place_last(b).with_comment("hard to say")
    begun.editor.change(overall.switch("kind").place_last(b).place_last(a))
    told, result = terminal(typed="\n" + "s\n" * 5)
    assert result == {"ranked": 1} and "[1>2]" in told
    (kept,) = counting_rankings(filled)
    assert (kept.ranks[a], kept.ranks[b], kept.comment) == (1, 2, "hard to say")


def test_an_order_that_is_typed_over_a_draft_keeps_what_else_was_begun(terminal, filled):
    begun = LabelingSession(filled, labelers.named(filled, "me"))
    begun.open_next()
    a, b, *_ = begun.ordering.shown
    begun.editor.change(begun.ordering.place_last(a).with_comment("hard to say"))
    terminal(typed="2>1\n" + "s\n" * 5)
    (kept,) = counting_rankings(filled)
    assert (kept.ranks[a], kept.ranks[b], kept.comment) == (2, 1, "hard to say")


def test_an_answer_is_written_or_mended_and_marked(terminal, filled):
    told, _ = terminal(typed="m 9 no\nm 2  better \nw mine\n6>1\n" + "s\n" * 6)
    assert "no answer 9" in told
    *_, mended, mine = completions.group(filled, 1).completions
    shown = rankings.shown_order(1, person(filled, "me"), completions.ids(filled, 1)[:4])
    assert (mended.text, mended.mended, mine.text) == (" better", shown[1], "mine")
    assert " (mended by hand)   better" in told and " (written by hand)  mine" in told
    (ranking,) = counting_rankings(filled)
    assert ranking.ranks[mine.id] == 1


@pytest.mark.parametrize("command", [["rank", "--scripted", "length"], ["simulate", "--gold", "length"], ["rank"]])
def test_who_ranks_is_told_of_prompts_with_more_answers_than_anybody_orders(filled, command):
    """Only a project that was made elsewhere has such: a script would make some 5,000 pairs of each."""
    large = completions.add_group(filled, 1, tuple(NewCompletion(f"answer {n}", 1, True, 1) for n in range(101)))
    done = CliRunner().invoke(cli, [command[0], str(filled.folder), *command[1:]], input="s\n" * 20)
    assert done.exit_code == 0, done.output
    assert "1 prompt has more than 100 answers in one group and cannot be ranked" in done.output
    assert not filled.database.column("select id from rankings where group_id = ?", large)
