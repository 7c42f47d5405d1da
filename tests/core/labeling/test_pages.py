"""A labeling pack as a page: what it holds, and what its answers do where it was made. No browser is needed."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from core import data
from core.errors import BadInput
from core.events import NewCompletion
from core.labeling import html_pack
from core.labeling import pack as packs
from core.labeling.session import LabelingSession
from core.records import NewRanking, Prompt
from core.store import assignments, completions, conflicts, drafts, guidelines, labelers, prompts, rankings
from tests.pages import Filled
from tests.ranked import counting_rankings


@pytest.fixture
def page(filled, tmp_path) -> Filled:
    html_pack.write(filled, tmp_path / "bo.html", "Bo")
    return Filled(tmp_path / "bo.html")


def ranked(project, group_id, name="Bo", **more) -> int:
    ids = completions.ids(project, group_id)
    new = NewRanking(group_id, labelers.named(project, name).id, dict.fromkeys(ids, 1), shown=tuple(ids), **more)
    return rankings.add(project, new).ids[0]


def of_bo(project) -> list:
    return [each for each in counting_rankings(project) if each.labeler.name == "Bo"]


def test_a_ranking_comes_back_as_it_was_made_and_once(filled, page, tmp_path):
    made = page.rank(
        2, "3>1=4", comment=" better \ud800", flag=None,
        criteria=[["kindness", number, place] for place, number in enumerate([5, 6, 7, 8], 1)],
    )  # fmt: skip
    made["items"][0] |= {"flag": "broken", "verdict": "bad"}
    page.rank(3, "", flag="unsafe")
    report = packs.merge(filled, page.write(tmp_path / "back.json"))
    assert (report.added, report.known, report.refused) == (2, 0, [])
    first, second = of_bo(filled)
    assert (first.group_id, first.ranks) == (2, {5: 2, 6: None, 7: 1, 8: 2})
    assert (first.comment.strip(), first.seconds, first.method) == ("better \N{REPLACEMENT CHARACTER}", 12.5, "order")
    assert first.criteria == {"kindness": {5: 1, 6: 2, 7: 3, 8: 4}}
    shown = page.held["items"]["2"]["shown"]
    assert (first.flags, first.verdicts) == ({shown[0]: "broken"}, {shown[0]: "bad"})
    assert (second.flag, first.guidelines_id) == ("unsafe", guidelines.current(filled).id)
    rows = filled.database.rows("select completion_id, position from ranking_items where ranking_id = ?", first.id)
    assert {row["completion_id"]: row["position"] for row in rows} == {item: at for at, item in enumerate(shown, 1)}
    again = packs.merge(filled, page.write(tmp_path / "back.json"))
    assert (again.added, again.known, again.conflicts) == (0, 2, 0) and len(of_bo(filled)) == 2


def test_the_page_asks_what_the_window_asks_in_the_same_orders(filled, tmp_path):
    bo = labelers.named(filled, "Bo")
    base = ranked(filled, 1)
    filled.database.execute(
        "insert into assignments (group_id, labeler_id, reason, after_ranking, created_at)"
        " values (1, ?, 'repeat', ?, '')",
        (bo.id, base),
    )
    filled.set_setting(assignments.REPEAT_EVERY, 3)
    assert html_pack.write(filled, tmp_path / "bo.html", "Bo") == 6
    held = Filled(tmp_path / "bo.html").held
    queue = assignments.queue(filled, bo.id)
    uid = filled.database.value("select uid from rankings where id = ?", base)
    assert [each["group"] for each in held["queue"]] == list(queue.waiting)
    assert {each["group"]: each["repeat_of"] for each in held["queue"] if each["repeat_of"]} == {1: uid}
    for group in queue.waiting:
        ids = completions.ids(filled, group)
        assert held["items"][str(group)]["shown"] == rankings.shown_order(group, bo.id, ids)
        assert held["items"][str(group)]["again"] == rankings.shown_order(group, bo.id, ids, again=True)
    assert held["repeat"] == {"every": 3, "after": 10, "made": 1, "first": []}  # it was asked for already


def test_a_repeat_is_stored_as_one_and_gives_no_pairs(filled, page, tmp_path):
    first = page.rank(1)
    page.rank(1, "4>3>2>1", repeat_of=first["uid"])
    assert packs.merge(filled, page.write(tmp_path / "back.json")).added == 2
    (counting,) = of_bo(filled)
    assert counting.ranks == {1: 1, 2: 2, 3: 3, 4: 4}
    assert filled.database.column("select repeat_of from rankings order by id") == [None, counting.id]


def test_what_is_taken_back_there_is_taken_back_here_and_an_older_file_changes_nothing(filled, page, tmp_path):
    page.rank(1)
    mine = page.rank(2)
    old = page.write(tmp_path / "old.json")
    assert packs.merge(filled, old).added == 2
    mine["retracted_at"] = "2026-05-01T10:30:00.000+00:00"
    page.rank(2, "4>3>2>1")
    report = packs.merge(filled, page.write(tmp_path / "new.json"))
    assert (report.added, report.retracted, report.conflicts) == (1, 1, 0)
    assert packs.merge(filled, old).restored == 0
    assert [each.ranks[8] for each in of_bo(filled)[1:]] == [1]


def test_what_was_ranked_here_before_is_replaced_and_what_was_ranked_since_is_a_conflict(filled, tmp_path):
    before = ranked(filled, 1)
    guidelines.save(filled, criteria="Be kinder.", ties="", flags="", examples="")
    assignments.queue_again(filled, [before])
    html_pack.write(filled, tmp_path / "bo.html", "Bo")
    page = Filled(tmp_path / "bo.html")
    ranked(filled, 2)
    page.rank(1)
    page.rank(2)
    report = packs.merge(filled, page.write(tmp_path / "back.json"))
    assert (report.added, report.known, report.conflicts) == (1, 1, 1)
    assert len(conflicts.listed(filled)) == 1
    assert next(each.ranks for each in of_bo(filled) if each.group_id == 1) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert packs.merge(filled, page.write(tmp_path / "back.json")).conflicts == 0


def test_what_changed_since_is_named_and_left_out(filled, page, tmp_path):
    ana = labelers.named(filled, "Ana").id
    completions.write(filled, 3, ana, "Ana's own")  # it moves no other one
    for group in (1, 2, 3):
        page.rank(group)
    filled.database.execute("update completions set text = 'other' where id = 1")
    filled.database.execute("update prompts set text = 'other' where id = 2")
    report = packs.merge(filled, page.write(tmp_path / "back.json"))
    assert report.added == 1 and [each.group_id for each in of_bo(filled)] == [3]
    assert len(report.refused) == 2 and all("other completions now" in each for each in report.refused)


def test_it_is_merged_where_it_was_made_alone_and_for_whom(filled, page, tmp_path, plumbline):
    page.rank(1)
    for more, words in (
        ({"project": "0"}, "another project"),
        ({"labeler": "Zoe"}, "for whom no pack was made"),
        ({"version": 2}, "newer Plumbline"),
        ({"version": 2, "rankings": {}}, "newer Plumbline"),
    ):
        code, _, said = plumbline("merge", filled.folder, page.write(tmp_path / "back.json", **more))
        assert code == 2 and words in said and said.count("\n") == 1
    code, _, said = plumbline("merge", filled.folder, tmp_path / "bo.html")
    assert code == 2 and "a page to rank in" in said
    code, _, said = plumbline("unpack", tmp_path / "bo.html", tmp_path / "bo")
    assert code == 2 and "open a page in a browser" in said
    assert of_bo(filled) == []


def own(number: int, group: int, text: str, of: int | None = None) -> dict:
    return {"id": number, "group": group, "text": text, "of": of, "written_at": "2026-05-01T10:00:00.000+00:00"}


def placed_first(ranking: dict, number: int) -> None:
    """With an answer of one's own before all others."""
    for item in ranking["items"]:
        item["rank"] += 1
    ranking["items"].append({"id": number, "rank": 1, "flag": None, "position": 5, "verdict": None})


def by_hand(project, group: int) -> dict[str, int]:
    return {each.text: each.id for each in completions.group(project, group).completions if each.written_by == "Bo"}


def test_answers_that_were_written_in_a_page_join_their_prompts_once(filled, page, tmp_path):
    placed_first(page.rank(2), -7)
    written = [own(-7, 2, "my own"), own(-8, 2, "mended", of=-7), own(-9, 3, "not ranked"), own(-10, 2, "my own")]
    ana = labelers.named(filled, "Ana").id
    completions.write(filled, 2, ana, "Ana's, who has the next number by now")
    report = packs.merge(filled, page.write(tmp_path / "back.json", answers=written))
    assert (report.added, report.answers, report.refused) == (1, 3, [])
    mine = by_hand(filled, 2)
    (found,) = of_bo(filled)
    assert found.ranks == {5: 2, 6: 3, 7: 4, 8: 5, mine["my own"]: 1}
    mended = next(each for each in completions.group(filled, 2).completions if each.text == "mended")
    assert mended.mended == mine["my own"]
    completions.take_back(filled, by_hand(filled, 3)["not ranked"])
    again = packs.merge(filled, tmp_path / "back.json")
    assert (again.added, again.known, again.answers) == (0, 1, 0) and by_hand(filled, 3) == {}
    html_pack.write(filled, tmp_path / "newer.html", "Bo")  # which knows the answers again by what they say
    page = Filled(tmp_path / "newer.html")
    assert page.held["items"].keys() == {"1", "3", "4", "5", "6"}


def test_an_answer_that_was_written_to_another_prompt_of_a_copy_joins_none(filled, page, tmp_path):
    held = page.held["items"]
    written = [own(-7, 2, "to this one") | {"same": held["2"]["same"]}, own(-8, 3, "to another") | {"same": "0" * 12}]
    report = packs.merge(filled, page.write(tmp_path / "back.json", answers=written))
    assert (report.answers, len(by_hand(filled, 2)), by_hand(filled, 3)) == (1, 1, {})
    (said,) = report.refused
    assert "has other completions now" in said


def test_what_nobody_could_have_written_in_a_page_is_refused(filled, page, tmp_path):
    there = completions.group(filled, 2).completions[0].text
    placed_first(page.rank(2), -7)
    refused = {
        "the same completions": [own(-7, 2, there)],
        "and nobody may write more than 50": [own(-7 - each, 2, f"answer {each}") for each in range(51)],
        "of more than 200,000 letters": [own(-7, 2, "long" * 50_001)],
        "": [own(-7, 2, "good")],
    }
    for words, answers in refused.items():
        report = packs.merge(filled, page.write(tmp_path / "back.json", answers=answers))
        assert all(words in each for each in report.refused) and bool(report.refused) == bool(words)
    assert len(of_bo(filled)) == 1
    for wrong in (own(7, 2, "x"), own(-7, 2, "  "), own(-7, 2, "x", of=0.5), own(-7, -2, "x"), {"id": -7}):
        with pytest.raises(BadInput, match="damaged"):
            packs.merge(filled, page.write(tmp_path / "back.json", answers=[wrong]))


def test_a_ranking_of_an_answer_that_was_taken_back_in_the_page_is_taken_back_too(filled, page, tmp_path):
    mine = page.rank(2)
    placed_first(mine, -7)
    assert packs.merge(filled, page.write(tmp_path / "old.json", answers=[own(-7, 2, "my own")])).added == 1
    mine["retracted_at"] = "2026-05-01T10:30:00.000+00:00"
    placed_first(page.rank(3, retracted_at="2026-05-01T10:30:00.000+00:00"), -8)  # and never came here
    report = packs.merge(filled, page.write(tmp_path / "new.json"))
    assert (report.added, report.retracted, report.refused) == (0, 1, [])
    placed_first(page.rank(4), -9)  # what stands and names nothing that is there
    assert "its own prompt" in packs.merge(filled, page.write(tmp_path / "new.json")).refused[0]


def test_what_is_begun_and_not_saved_is_told_of(filled, page, tmp_path):
    page.rank(1)
    report = packs.merge(filled, page.write(tmp_path / "back.json", begun=2))
    assert report.added == 1 and "2 orders that are begun in the pack" in report.begun_left[0]


def test_the_command_writes_a_page_and_takes_a_pages_name_for_nothing_else(filled, tmp_path, plumbline):
    code, said, _ = plumbline("pack", filled.folder, tmp_path / "bo.html", "--labeler", "Bo", "--html")
    assert code == 0 and "6 prompts for Bo" in said
    assert Filled(tmp_path / "bo.html").held["method"] == "order"
    two = ("--labeler", "Bo", "--method", "pairwise")
    assert plumbline("pack", filled.folder, tmp_path / "bo.html", *two, "--html")[0] == 0
    assert Filled(tmp_path / "bo.html").held["method"] == "pairwise"
    assert plumbline("pack", filled.folder, tmp_path / "b.plumbpack", *two)[0] == 2
    assert plumbline("pack", filled.folder, tmp_path / "b.html", "--labeler", "Bo")[0] == 2
    assert plumbline("pack", filled.folder, tmp_path / "b.plumbpack", "--labeler", "Bo", "--html")[0] == 2
    assert not (tmp_path / "b.html").exists()


def test_answers_that_came_back_are_written_over_by_nothing(filled, page, tmp_path):
    page.rank(1)
    back = page.write(tmp_path / "back.html")
    with pytest.raises(BadInput, match="may hold work"):
        html_pack.write(filled, back, "Bo")
    with pytest.raises(BadInput, match="choose another name"):
        packs.pack(filled, page.write(tmp_path / "back.json"), "Bo")
    text = back.read_text(encoding="utf-8")
    for number, saved in enumerate(("\ufeff" + text, "\n" + text, json.dumps(json.loads(text), indent=1))):
        again = tmp_path / f"{number}.jsonl"
        again.write_text(saved, encoding="utf-8")
        with pytest.raises(BadInput, match="may hold work"):
            data.export(filled, again, "trl")


HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> \u202egnp.exe\u200b & ]]> {{ 7 }}"
HOSTILE += " $a_1*b*c$ \\[\n- x \\\\\n\\]"


class Attributes(HTMLParser):
    """Every attribute that a browser finds in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found = set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {name for name, _ in attrs}


def test_texts_are_data_in_the_page_and_only_what_is_written_into_it_may_run(project, tmp_path):
    prompts.add(project, [Prompt(0, HOSTILE)])
    completions.add_group(project, prompts.listed(project)[-1].id, [NewCompletion(HOSTILE, 1, True, 0)] * 2)
    guidelines.save(project, criteria=HOSTILE, ties="", flags=f"- broken: {HOSTILE}", examples="")
    html_pack.write(project, tmp_path / "bo.html", "Bo")
    text = (tmp_path / "bo.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(scripts) == 1 and text.lower().count("<script") == 2 and "<img" not in text and "<!--" not in text
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#x27;", "'")
    for kind, inline in (("script", scripts[0]), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    parser = Attributes()
    parser.feed(text)
    assert not {name for name in parser.found if name.startswith("on") or name in ("src", "href", "style", "srcdoc")}
    held = Filled(tmp_path / "bo.html").held
    card = next(iter(held["items"][str(held["queue"][-1]["group"])]["cards"].values()))
    assert card["text"] == HOSTILE.replace("\u202e", "‹U+202E›").replace("\u200b", "‹U+200B›")
    assert card.pop("whole") == HOSTILE and not {"\u202e", "\u200b"} & set(text), "it is there for who mends it"


def remark(page: Filled, group: int, comment: str) -> dict:
    return {"group": group, "same": page.held["items"][str(group)]["same"], "comment": comment}


def said(project, group: int) -> str | None:
    """The comment on the table when Bo opens it."""
    session = LabelingSession(project, labelers.named(project, "Bo"))
    session.editor.open(group)
    assert session.ordering.tiers == () and group in session.queue
    return session.ordering.comment


def test_a_comment_without_a_ranking_comes_home_and_is_begun_there_until_it_is_ranked(filled, page, tmp_path):
    LabelingSession(filled, labelers.named(filled, "Bo")).editor.keep_comment(2, "typed here")
    page.rank(3, comment="in the ranking")
    remarks = [
        remark(page, 1, " both are wrong \ud800"),
        remark(page, 2, "typed there"),
        remark(page, 3, "the ranking"),
    ]
    other = [remark(page, 4, "of a copy") | {"same": "0" * 12}, remark(page, 4, "of no prompt") | {"group": 99}]
    report = packs.merge(filled, page.write(tmp_path / "back.json", remarks=[*remarks, *other]))
    assert (report.added, report.remarks, report.refused) == (1, 2, [])
    assert len(report.begun_left) == 2 and "“of a copy”" in report.begun_left[0]
    assert said(filled, 1) == "both are wrong \N{REPLACEMENT CHARACTER}"
    assert said(filled, 2) == "typed here\ntyped there"
    assert packs.merge(filled, page.write(tmp_path / "back.json", remarks=remarks)).remarks == 0
    page.rank(1, comment="both are wrong \ufffd, the second less")
    report = packs.merge(filled, page.write(tmp_path / "later.json"))
    assert report.added == 1 and drafts.groups(filled, labelers.named(filled, "Bo").id) == [2]


@pytest.mark.parametrize("wrong", [{"comment": 5}, {"group": "1"}, {"same": None}])
def test_a_comment_that_no_page_gives_back_is_refused_with_its_file(filled, page, tmp_path, wrong):
    page.rank(1)
    with pytest.raises(BadInput, match="damaged"):
        packs.merge(filled, page.write(tmp_path / "back.json", remarks=[remark(page, 2, "x") | wrong]))
    assert of_bo(filled) == []
