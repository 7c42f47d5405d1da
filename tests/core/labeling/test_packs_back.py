"""What comes back in a labeling pack arrives whole: answers, changes of mind in both directions, strengths, and the
work of an earlier pack when a second one is opened where the first was."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core import cli
from core.errors import BadInput
from core.events import NewCompletion
from core.labeling import pack as packs
from core.labeling.session import LabelingSession
from core.records import NewRanking, Prompt
from core.store import (
    Project,
    calibration,
    completions,
    conflicts,
    guidelines,
    labelers,
    open_project,
    prompts,
    rankings,
)
from core.store.packed_rankings import PackedRanking
from core.store.undo import History
from tests.ranked import counting_rankings


class Away:
    """The pack of Bo, unpacked, and its way back."""

    def __init__(self, project: Project, folder: Path) -> None:
        packs.pack(project, folder / "bo.plumbpack", "Bo")
        self.home, self.back = project, folder / "back.plumbpack"
        self.project = open_project(packs.unpack(folder / "bo.plumbpack", folder / "bo"))
        self.bo = labelers.named(self.project, "Bo").id

    def rank(self, group_id: int, **more) -> int:
        return ranked(self.project, group_id, self.bo, **more)

    def merge(self) -> packs.Merged:
        packs.pack(self.project, self.back, "Bo")
        return packs.merge(self.home, self.back)

    def write(self, group_id: int, text: str, of: int | None = None) -> int:
        return completions.write(self.project, group_id, self.bo, text, of).ids[0]


def ranked(project: Project, group_id: int, who: int, **more) -> int:
    ranks = {item: place for place, item in enumerate(completions.ids(project, group_id), 1)}
    return rankings.add(project, NewRanking(group_id, who, ranks, **more)).ids[0]


def stands(project: Project, group_id: int) -> bool:
    return rankings.is_ranked(project, group_id, labelers.named(project, "Bo").id)


@pytest.fixture
def away(filled, tmp_path):
    made = Away(filled, tmp_path)
    yield made
    made.project.close()


def test_answers_come_with_and_without_a_ranking_and_say_what_they_were_made_of(filled, away):
    away.write(3, "of a prompt that nobody ranked")
    away.rank(1)
    assert away.merge().answers == 1
    away.write(1, "after the merge", of=2)
    report = away.merge()
    assert (report.answers, report.added, report.known, report.refused) == (1, 0, 1, [])
    found = {item.text: item for group in (1, 3) for item in completions.group(filled, group).completions}
    assert found["of a prompt that nobody ranked"].written_by == "Bo"
    assert (found["after the merge"].written_by, found["after the merge"].mended) == ("Bo", 2)
    assert away.merge().answers == 0


def test_a_ranking_follows_its_labeler_there_and_back(filled, away):
    mine = away.rank(1)
    for operation, standing in ((rankings.retract, False), (rankings.restore, True)) * 2:
        away.merge()
        operation(away.project, mine)
        report = away.merge()
        assert (report.retracted, report.restored) == (not standing, standing)
        assert stands(filled, 1) is standing


def test_a_flag_may_be_called_as_the_overall_order_is(filled, away):
    away.rank(1, flags={completions.ids(filled, 1)[3]: "overall"})
    assert (away.merge().refused, stands(filled, 1)) == ([], True)


def test_one_that_came_taken_back_stands_once_its_labeler_has_it_stand_again(filled, away):
    mine = away.rank(1)
    rankings.retract(away.project, mine)
    away.merge()
    rankings.restore(away.project, mine)
    assert away.merge().restored == 1 and stands(filled, 1)


def test_one_from_home_that_is_taken_back_in_the_pack_counts_no_more(filled, tmp_path):
    ranked(filled, 1, labelers.named(filled, "Bo").id)
    away = Away(filled, tmp_path)
    rankings.retract(away.project, 1)
    assert away.merge().retracted == 1 and not stands(filled, 1)
    away.project.close()


def test_what_happened_at_home_meanwhile_stays(filled, tmp_path):
    bo = labelers.named(filled, "Bo").id
    first, second = ranked(filled, 1, bo), ranked(filled, 2, bo)
    rankings.retract(filled, first)
    away = Away(filled, tmp_path)
    rankings.restore(filled, first)
    rankings.retract(filled, second)
    report = away.merge()
    assert (report.retracted, report.restored, stands(filled, 1), stands(filled, 2)) == (0, 0, True, False)
    away.project.close()


def test_an_older_copy_of_the_pack_does_not_let_a_ranking_stand_again(filled, tmp_path):
    """Bo has two packs on two machines, and took a ranking back on one of them."""
    ranked(filled, 1, labelers.named(filled, "Bo").id)
    packs.pack(filled, tmp_path / "other.plumbpack", "Bo")
    away = Away(filled, tmp_path)
    rankings.retract(away.project, 1)
    away.merge()
    assert packs.merge(filled, tmp_path / "other.plumbpack").restored == 0 and not stands(filled, 1)
    away.project.close()


@pytest.mark.parametrize("order", ["1 2 1", "2 1", "1 2 3 2 1", "3 2 1", "1 2 copy", "2 copy"])
def test_an_older_file_of_a_pack_undoes_nothing_that_a_newer_one_did(filled, away, order):
    """Bo ranked, took it back and did it again, and sent each; a copy of the folder knows of the first alone."""
    mine, files = away.rank(1), {name: away.back.with_name(f"{name}.plumbpack") for name in ("1", "2", "3", "copy")}
    packs.pack(away.project, files["1"], "Bo")
    shutil.copytree(away.project.folder, away.back.with_name("copy"))
    with closing(open_project(away.back.with_name("copy"))) as copy:
        packs.pack(copy, files["copy"], "Bo")
    rankings.retract(away.project, mine)
    packs.pack(away.project, files["2"], "Bo")
    rankings.restore(away.project, mine)
    packs.pack(away.project, files["3"], "Bo")
    for name in order.split():
        packs.merge(filled, files[name])
    assert stands(filled, 1) is ("3" in order)


def test_a_folder_that_is_merged_as_it_is_says_what_is_new_in_it(filled, away):
    mine = away.rank(1)
    away.merge()
    for operation, standing in ((rankings.retract, False), (rankings.restore, True)):
        operation(away.project, mine)
        packs.merge(filled, away.project.folder)
        packs.merge(filled, away.back)
        assert stands(filled, 1) is standing


def test_one_that_would_stand_again_beside_a_newer_one_from_home_is_a_conflict(filled, away):
    mine = away.rank(1)
    away.merge()
    rankings.retract(away.project, mine)
    away.merge()
    newer = ranked(filled, 1, labelers.named(filled, "Bo").id)
    rankings.restore(away.project, mine)
    report = away.merge()
    assert (report.restored, report.conflicts) == (0, 1)
    assert rankings.latest(filled, labelers.named(filled, "Bo").id).id == newer
    assert away.merge().conflicts == 0


@pytest.mark.parametrize("taken", [None, "ours", "theirs"])
def test_an_earlier_version_that_counts_in_the_pack_again_is_one_conflict_to_look_at(filled, away, taken):
    """Bo ranked a prompt at home, and twice in the pack, and takes the newer one back there."""
    at_home = ranked(filled, 1, labelers.named(filled, "Bo").id, comment="at home")
    away.rank(1, comment="first")
    second = away.rank(1, comment="second")
    assert away.merge().conflicts == 1 and sides(filled) == [("at home", "second")]
    if taken:
        conflicts.resolve(filled, conflicts.listed(filled)[0].id, taken)
    rankings.retract(away.project, second)
    assert away.merge().conflicts == 1 and sides(filled) == [("at home", "first")]
    assert away.merge().conflicts == 0 and sides(filled) == [("at home", "first")]
    conflicts.resolve(filled, conflicts.listed(filled)[0].id, "theirs")
    assert [each.comment for each in counting_rankings(filled)] == ["first"]
    assert rankings.get(filled, at_home).comment == "at home" and away.merge().conflicts == 0


def test_the_newer_version_that_stands_again_is_looked_at_in_its_place(filled, away):
    ranked(filled, 1, labelers.named(filled, "Bo").id, comment="at home")
    away.rank(1, comment="first")
    second = away.rank(1, comment="second")
    for operation, waits in ((rankings.retract, "first"), (rankings.restore, "second")) * 2:
        away.merge()
        operation(away.project, second)
        away.merge()
        assert sides(filled) == [("at home", waits)]
    away.rank(1, comment="third")
    away.merge()
    assert sides(filled) == [("at home", "third")]


def test_what_was_taken_back_at_home_after_a_conflict_is_none(filled, away):
    ranked(filled, 1, labelers.named(filled, "Bo").id)
    away.rank(1)
    away.merge()
    conflicts.resolve(filled, conflicts.listed(filled)[0].id, "theirs")
    away.rank(1)
    assert away.merge().added == 1
    rankings.retract(filled, rankings.latest(filled, labelers.named(filled, "Bo").id).id)
    assert away.merge().conflicts == 0 and sides(filled) == []


def sides(project: Project) -> list[tuple[str, str]]:
    """What is said of both sides of each conflict that waits."""
    found = conflicts.listed(project)
    return [tuple(rankings.get(project, side).comment for side in (each.ours, each.theirs)) for each in found]


@pytest.fixture
def ana_too(filled, tmp_path):
    """A pack with an answer of Ana's in it, taken back at home since. Bo ranked without it, then with it."""
    answer = completions.write(filled, 1, labelers.named(filled, "Ana").id, "by Ana", 2).ids[0]
    away = Away(filled, tmp_path)
    generated = {item: 1 for item in completions.ids(filled, 1) if item != answer}
    rankings.add(away.project, NewRanking(1, away.bo, generated, comment="without it"))
    away.rank(1, comment="with it")
    completions.take_back(filled, answer)
    yield away, answer
    away.project.close()


def test_an_answer_that_was_taken_back_at_home_is_there_again_once_somebody_ranked_it(filled, ana_too):
    away, _ = ana_too
    report = away.merge()
    assert (report.added, report.answers, report.refused) == (2, 1, [])
    found = completions.group(filled, 1).completions[-1]
    assert (found.text, found.written_by, found.mended) == ("by Ana", "Ana", 2)
    assert [each.comment for each in counting_rankings(filled)] == ["with it"]
    assert counting_rankings(filled)[0].ranks == {**dict(zip(range(1, 5), range(1, 5), strict=True)), found.id: 5}
    assert away.merge() == packs.Merged(known=2)
    away.rank(1, comment="once more")
    assert away.merge().answers == 0 and found.id in counting_rankings(filled)[0].ranks


@pytest.mark.parametrize("words", ["by Ana, says Bo", "no 1"])
def test_nobody_brings_other_words_under_the_name_of_who_took_an_answer_back(filled, ana_too, words):
    away, answer = ana_too
    away.project.database.execute("update completions set text = ? where id = ?", (words, answer))
    report = away.merge()
    assert (report.added, report.answers) == (1, 0) and answer not in completions.ids(filled, 1)
    (said,) = report.refused
    assert "names an answer that is not here any more" in said
    assert [each.comment for each in counting_rankings(filled)] == ["without it"]


def test_a_ranking_that_was_taken_back_brings_no_answer_again(filled, ana_too):
    away, answer = ana_too
    rankings.retract(away.project, rankings.latest(away.project, away.bo).id)
    report = away.merge()
    assert (report.added, report.answers) == (1, 0) and answer not in completions.ids(filled, 1)
    assert "was taken back in the pack, and it names an answer that is not here" in report.refused[0]
    assert away.merge() == packs.Merged(known=1, refused=report.refused)
    rankings.restore(away.project, 2)
    report = away.merge()  # nothing of it was lost
    assert (report.added, report.answers, report.refused) == (1, 1, [])
    assert [each.comment for each in counting_rankings(filled)] == ["with it"]


def test_a_ranking_that_was_taken_back_comes_with_an_answer_that_a_later_one_brings(filled, ana_too):
    away, _ = ana_too
    rankings.retract(away.project, rankings.latest(away.project, away.bo).id)
    away.rank(1, comment="with it, again")
    report = away.merge()
    assert (report.answers, report.refused) == (1, [])
    (counting,) = counting_rankings(filled)
    assert completions.group(filled, 1).completions[-1].id in counting.ranks and counting.comment == "with it, again"
    assert filled.database.value("select count(*) from rankings") == 3


def test_of_two_answers_that_were_taken_back_both_come_again_or_none(filled, tmp_path):
    ana, cy = (labelers.named(filled, name).id for name in ("Ana", "Cy"))
    both = [completions.write(filled, 1, who, f"by {who}").ids[0] for who in (cy, ana)]
    away = Away(filled, tmp_path)
    away.rank(1)
    for answer in both:
        completions.take_back(filled, answer)
    for number in range(50):
        completions.write(filled, 1, ana, f"meanwhile {number}")
    there = completions.ids(filled, 1)
    report = away.merge()
    assert (report.added, report.answers) == (0, 0) and completions.ids(filled, 1) == there
    (said,) = report.refused
    assert "an answer by Ana that was taken back, and Ana wrote 50 others" in said and " you " not in said.lower()
    away.project.close()


def test_a_prompt_that_is_damaged_in_the_pack_leaves_the_others_to_be_merged(filled, away):
    away.rank(1)
    away.rank(2)
    away.project.database.execute("update completions set text = cast(x'ff' as text) where group_id = 1")
    assert away.merge() == packs.Merged(added=1, refused=["Group 1 is damaged in the pack."])


def test_answers_of_the_pack_and_of_home_are_together_no_more_than_one_may_write(filled, away):
    for number in range(30):
        away.write(1, f"away {number}")
        completions.write(filled, 1, labelers.named(filled, "Bo").id, f"at home {number}")
    away.rank(2)
    report = away.merge()
    assert (report.added, report.answers) == (1, 0)
    assert "would have 60 answers by Bo with those of the pack" in report.refused[0]


def test_what_others_say_by_now_is_the_answer_that_was_taken_back(filled, ana_too):
    away, _ = ana_too
    same = completions.write(filled, 1, labelers.named(filled, "Cy").id, "by Ana").ids[0]
    report = away.merge()
    assert (report.added, report.answers, report.refused) == (2, 0, [])
    assert same in counting_rankings(filled)[0].ranks


def test_an_order_that_was_begun_goes_on_without_an_answer_that_was_taken_back(filled, tmp_path):
    answer = completions.write(filled, 1, labelers.named(filled, "Ana").id, "by Ana").ids[0]
    first = completions.ids(filled, 1)[0]
    file = tmp_path / "bo.plumbpack"
    packs.pack(filled, file, "Bo")
    with closing(open_project(packs.take_up(file, tmp_path / "bo")[0])) as project:
        session = LabelingSession(project, labelers.named(project, "Bo"))
        session.editor.open(1)
        for item in (answer, first):
            session.editor.change(session.ordering.place_last(item))
    completions.take_back(filled, answer)
    file.unlink()
    packs.pack(filled, file, "Bo")
    folder, report = packs.take_up(file, tmp_path / "bo")
    with closing(open_project(folder)) as project:
        session = LabelingSession(project, labelers.named(project, "Bo"))
        session.editor.open(1)
        assert report.begun == 1 and session.ordering.tiers == ((first,),)


def test_a_ranking_travels_with_every_column_that_the_table_has(filled, away):
    columns = {row["name"] for row in filled.database.rows("pragma table_info(rankings)")}
    assert columns <= PackedRanking.__annotations__.keys()
    away.rank(1, strength=2.5, comment="hm", seconds=3.0)
    away.merge()
    there, here = (project.database.one("select * from rankings") for project in (away.project, filled))
    assert {key for key in there if there[key] != here[key]} == {"origin"}


def test_more_than_anybody_could_rank_is_refused_where_it_is_written(filled, away):
    with pytest.raises(BadInput, match="200,000 letters"):
        away.write(1, "x" * 200_001)
    for number in range(50):
        away.write(1, f"mine {number}")
    with pytest.raises(BadInput, match="50 answers"):
        away.write(1, "one more")
    others = tuple(NewCompletion(f"{number}", 1, True, 1) for number in range(100))
    full = completions.add_group(filled, 2, others)
    with pytest.raises(BadInput, match="at most 100"):
        completions.write(filled, full, labelers.named(filled, "Ana").id, "the 101st")


def test_whatever_the_guidelines_name_and_windows_join_comes_home(filled, tmp_path):
    names = [f"c{number}" for number in range(101)]
    listed = "\n".join(f"- {name}: so" for name in names)
    guidelines.save(filled, criteria=listed, ties="", flags="- overall: bad in every way", examples="")
    away = Away(filled, tmp_path)
    ranks = dict.fromkeys(completions.ids(filled, 1), 1)
    away.rank(1, flags={1: "overall"}, comment="a" * 120_000, criteria=dict.fromkeys(names, ranks))
    away.rank(2, criteria={"none of these": dict.fromkeys(completions.ids(filled, 2), 1)})
    away.rank(3, criteria=dict.fromkeys([*names, "one more"], dict.fromkeys(completions.ids(filled, 3), 1)))
    report = away.merge()
    assert report.added == 2 and ["names that no guidelines give" in each for each in report.refused] == [True]
    assert counting_rankings(filled)[0].flags == {1: "overall"}
    away.project.close()


def test_a_pack_does_not_make_a_prompt_too_large_to_be_ranked(filled, tmp_path):
    group_id = completions.add_group(filled, 1, tuple(NewCompletion(f"answer {n}", 1, True, 1) for n in range(60)))
    away = Away(filled, tmp_path)
    for number in range(40):
        away.write(group_id, f"mine {number}")
    completions.write(filled, group_id, labelers.named(filled, "Ana").id, "meanwhile")
    away.rank(group_id)
    away.rank(1)
    report = away.merge()
    assert report.added == 1 and len(report.refused) == 1 and "101 answers" in report.refused[0]
    assert len(completions.ids(filled, group_id)) == 61
    away.project.close()


def test_a_second_pack_where_the_first_lies_is_a_folder_of_its_own_with_the_work_so_far(filled, tmp_path):
    file, folder = tmp_path / "bo.plumbpack", tmp_path / "packs" / "bo"
    packs.pack(filled, file, "Bo")
    first, _ = packs.take_up(file, folder)
    with closing(open_project(first)) as project:
        ranked(project, 1, labelers.named(project, "Bo").id)
    prompts.add(filled, [Prompt(0, "a second round?")])
    completions.add_group(filled, 7, (NewCompletion("a", 1, True, 1), NewCompletion("b", 1, True, 1)))
    packs.pack(filled, file, "Bo")
    with pytest.raises(BadInput, match="another pack for Bo"):
        packs.unpack(file, first)
    second, earlier = packs.take_up(file, folder)
    assert (first.name, second.name, earlier.added) == ("bo", "bo 2", 1)
    with closing(open_project(second)) as project:
        assert len(completions.group_ids(project)) == 7 and stands(project, 1)
        packs.pack(project, tmp_path / "back.plumbpack", "Bo")
    assert packs.merge(filled, tmp_path / "back.plumbpack").added == 1
    assert packs.take_up(tmp_path / "back.plumbpack", folder) == (second, packs.Merged())
    assert packs.take_up(file, folder)[0] == second


def test_a_pack_of_an_older_version_takes_back_only_what_came_in_one(filled, tmp_path):
    """It does not say what was taken back in it from the start."""
    ranked(filled, 1, labelers.named(filled, "Bo").id)
    away = Away(filled, tmp_path)
    away.project.database.execute("delete from settings where key = 'handed_out'")
    mine = away.rank(2)
    merge_older(away)
    rankings.retract(away.project, 1)
    rankings.retract(away.project, mine)
    assert merge_older(away).retracted == 1
    assert (stands(filled, 1), stands(filled, 2)) == (True, False)
    rankings.restore(away.project, mine)
    assert merge_older(away).restored == 1 and stands(filled, 2)
    away.project.close()


def merge_older(away: Away) -> packs.Merged:
    packs.pack(away.project, away.back, "Bo")
    with closing(sqlite3.connect(away.back)) as database, database:
        database.execute("delete from settings where key = 'handed_out'")
    return packs.merge(away.home, away.back)


def test_in_a_pack_the_terminal_ranks_for_whom_it_is(away, capsys):
    assert cli.run(["rank", str(away.project.folder), "--group", "1", "--order", "1>2>3>4"]) == 0
    assert away.merge().added == 1 and stands(away.home, 1)


def test_nobody_can_speak_of_the_rankings_of_others_that_a_pack_brings_along(filled, tmp_path):
    """A pack says itself whose it is: who names another labeler in it, and takes back what came along, is not heard."""
    ann = labelers.named(filled, "Ann").id
    calibration.add(filled, ranked(filled, 1, ann))
    away = Away(filled, tmp_path)
    with away.project.write() as database:
        database.execute("update rankings set retracted_at = '2026-01-01T00:00:00+00:00'")
        database.execute("update settings set value = '\"Ann\"' where key = 'pack'")
    packs.pack(away.project, tmp_path / "ann.plumbpack", "Ann")
    away.project.close()
    report = packs.merge(filled, tmp_path / "ann.plumbpack")
    assert report.retracted == 0 and rankings.is_ranked(filled, 1, ann)


def test_a_pack_that_came_back_with_work_is_not_written_over_before_it_is_merged(filled, away, tmp_path):
    path = tmp_path / "bo.plumbpack"
    away.rank(1)
    packs.pack(away.project, path, "Bo")
    with pytest.raises(BadInput, match="merge it first"):
        packs.pack(filled, path, "Bo")
    assert packs.merge(filled, path).added == 1
    packs.pack(filled, path, "Bo")


def test_a_ranking_under_guidelines_that_were_taken_back_at_home_is_named(filled, tmp_path, capsys):
    history = History(filled)
    history.mark(guidelines.save(filled, criteria="new rules", ties="", flags="", examples=""))
    away = Away(filled, tmp_path)
    away.rank(1)
    packs.pack(away.project, away.back, "Bo")
    away.project.close()
    history.undo()
    assert cli.run(["merge", str(filled.folder), str(away.back)]) == 0
    assert "1 of them were made under guidelines that are not here" in capsys.readouterr().out
    assert counting_rankings(filled)[0].guidelines_id == guidelines.current_id(filled)
