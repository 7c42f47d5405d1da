"""Labeling packs that were changed by hand: merged is only what their labeler could have ranked in them."""

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from core import cli
from core.config.jobs import JobKind, config_values
from core.config.training import TrainRewardConfig
from core.errors import BadInput, KnownError
from core.events import NewCompletion
from core.jobs import queue
from core.labeling import pack as packs
from core.labeling import pack_reading
from core.projects import archive
from core.records import NewRanking, Prompt
from core.store import Project, completions, create_project, guidelines, labelers, open_project, prompts, rankings
from core.store.files import snapshots
from tests.ranked import counting_rankings


def rank(project: Project, group_id: int, name: str) -> int:
    ids = completions.ids(project, group_id)
    ranks = {item: place for place, item in enumerate(ids, 1)}
    criteria = {"kindness": dict(ranks)}
    new = NewRanking(group_id, labelers.named(project, name).id, ranks, criteria=criteria, shown=tuple(ids))
    return rankings.add(project, new).ids[0]


@pytest.fixture
def sent(filled, tmp_path) -> Path:
    """Ana ranked groups 1 and 2 and merged 3; Bo's pack came back with rankings 4 and 5, of 1 and 2."""
    for group_id in (1, 2, 3):
        rank(filled, group_id, "Ana")
    filled.database.execute("update rankings set origin = 'ana.plumbpack' where group_id = 3")
    packs.pack(filled, tmp_path / "bo.plumbpack", "Bo")
    with closing(open_project(packs.unpack(tmp_path / "bo.plumbpack", tmp_path / "bo"))) as bo:
        for group_id in (1, 2):
            rank(bo, group_id, "Bo")
        packs.pack(bo, tmp_path / "back.plumbpack", "Bo")
    return tmp_path / "back.plumbpack"


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def everything(project: Project) -> list[object]:
    tables = ("rankings", "ranking_items", "criterion_ranks", "labelers", "conflicts", "settings", "guidelines")
    word = " where key != 'visit'"  # another each time that it is opened
    return [project.database.rows(f"select * from {table}{word * (table == 'settings')}") for table in tables]


LEFT_OUT = {
    "items of another group": ["update ranking_items set completion_id = completion_id + 4 where ranking_id = 4"],
    "an item of another group": [
        "insert into ranking_items (ranking_id, completion_id, rank) values (4, 9, 1)",
    ],
    "an item that is missing": ["delete from ranking_items where ranking_id = 4 and rank = 2"],
    "criteria of another group": ["update criterion_ranks set completion_id = completion_id + 4 where ranking_id = 4"],
    "a decision between labelers": ["update rankings set adjudicates = 1 where id = 4"],
    "an endless rank": ["update ranking_items set rank = 9223372036854775807 where ranking_id = 4 and rank = 2"],
    "a rank beyond the last": ["update ranking_items set rank = 5 where ranking_id = 4 and rank = 2"],
    "an endless rank by a criterion": ["update criterion_ranks set rank = 9223372036854775807 where ranking_id = 4"],
    "a place that there is not": ["update ranking_items set position = -1 where ranking_id = 4"],
    "nothing that is ranked": ["update ranking_items set rank = null where ranking_id = 4"],
    "no uid": ["update rankings set uid = null where id = 4"],
    "a uid of megabytes": ["update rankings set uid = hex(zeroblob(1000000)) where id = 4"],
    "no time": ["update rankings set created_at = 'yesterday' where id = 4"],
    "taken back at no time": ["update rankings set retracted_at = '1' where id = 4"],
    "endless seconds": ["update rankings set seconds = 9e999 where id = 4"],
    "seconds below nothing": ["update rankings set seconds = -1 where id = 4"],
    "a way that there is not": ["update rankings set method = 'guessed' where id = 4"],
    "a repeat of nothing": ["update rankings set repeat_of = 5 where id = 4"],
    "a group of another number": [
        "update completion_groups set id = 77 where id = 1", "update completions set group_id = 77 where group_id = 1",
        "update rankings set group_id = 77 where group_id = 1",
    ],
    "groups that changed their numbers": [
        "update rankings set group_id = 3 where group_id = 1",
    ],
    "a time that never comes": ["update rankings set created_at = '9999-12-31T23:59:59-23:59' where id = 4"],
    "a time before all": ["update rankings set created_at = '0001-01-01T00:00:00+23:59' where id = 4"],
    "taken back at the end": ["update rankings set retracted_at = '9999-12-31T23:59:59-23:59' where id = 4"],
    "a comment of megabytes": ["update rankings set comment = hex(zeroblob(1000000)) where id = 4"],
    "endlessly better": ["update rankings set strength = 9e999 where id = 4"],
    "a flag of megabytes": ["update rankings set flag = hex(zeroblob(1000000)) where id = 4"],
    "a flag for a terminal": ["update rankings set flag = char(27) || '[2J' where id = 4"],
    "a flag for a terminal on a completion": [
        "update ranking_items set flag = char(27) || '[2J' where ranking_id = 4 and rank = 2",
    ],
    "a criterion for a terminal": ["update criterion_ranks set criterion = char(27) || '[2J' where ranking_id = 4"],
    "a criterion without a name": ["update criterion_ranks set criterion = '' where ranking_id = 4"],
    "a criterion that is the whole order": ["update criterion_ranks set criterion = 'Overall' where ranking_id = 4"],
    "thousands of criteria": [
        "with recursive n(i) as (select 1 union select i + 1 from n limit 3000) insert into criterion_ranks"
        " select 4, 'c' || i, completion_id, rank from n, ranking_items where ranking_id = 4",
    ],
    "more rankings than anybody makes": [
        "with recursive n(i) as (select 1 union select i + 1 from n limit 1100) insert into rankings (group_id,"
        " labeler_id, guidelines_id, created_at, uid, method) select 1, labeler_id, guidelines_id, created_at,"
        " printf('%032x', i), method from n, rankings where id = 4",
        "insert into ranking_items (ranking_id, completion_id, rank, position) select r.id, i.completion_id, i.rank,"
        " i.position from rankings r, ranking_items i where r.id > 5 and i.ranking_id = 4",
    ],
    "a group of nothing": ["update rankings set group_id = 9223372036854775807 where id = 4"],
    "other completions": ["update completions set text = 'better' where group_id = 1"],
    "another prompt": ["update prompts set text = 'other' where id = 1"],
}  # fmt: skip


@pytest.mark.parametrize("statements", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_the_labeler_could_not_have_ranked_is_left_out_and_said(filled, sent, statements):
    change(sent, *statements)
    report = packs.merge(filled, sent)
    assert (report.added, report.known, report.conflicts, report.retracted) == (1, 0, 0, 0), report
    assert len(report.refused) == 1 and len(report.refused[0]) < 300
    mine = [found for found in counting_rankings(filled) if found.labeler.name == "Bo"]
    assert [found.group_id for found in mine] == [2]
    assert len(counting_rankings(filled)) == 4
    assert cli.run(["agreement", str(filled.folder)]) == 0


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["delete from settings where key = 'pack'"], "no labeling pack"),
        (["update settings set value = '[1]' where key = 'pack'"], "no labeling pack"),
        (["update settings set value = '\" \"' where key = 'pack'"], "no labeling pack"),
        (["update settings set value = '\"Zoe\"' where key = 'pack'"], "for whom no pack was made"),
        (["update settings set value = '\"0\"' where key = 'uid'"], "another project"),
        (["delete from settings where key = 'uid'"], "another project"),
        (["update guidelines set criteria = 'mine'"], "guidelines"),
        (["pragma application_id = 1"], "no labeling pack"),
        (["drop table criterion_ranks"], "damaged"),
        (["update settings set value = '[1]' where key = 'handed_out'"], "damaged"),
    ],
)  # fmt: skip
def test_what_is_no_pack_of_this_project_is_refused_whole(filled, sent, tmp_path, capsys, statements, words):
    change(sent, *statements)
    before = everything(filled)
    there = sorted(tmp_path.rglob("*"))
    assert cli.run(["merge", str(filled.folder), str(sent)]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert everything(filled) == before and sorted(tmp_path.rglob("*")) == there


def test_rankings_of_others_in_a_pack_are_not_taken(filled, sent):
    before = len(counting_rankings(filled))
    change(
        sent, "insert into labelers (id, name) values (77, 'Ana')", "update rankings set labeler_id = 77",
        "update ranking_items set rank = 5 - rank",
    )  # fmt: skip
    report = packs.merge(filled, sent)
    assert (report.added, report.conflicts, report.known) == (0, 0, 0)
    assert len(counting_rankings(filled)) == before


def test_nobody_takes_back_the_ranking_of_another_by_its_number(filled, sent):
    """Ana's came in a pack once, so that what its pack says of it counts; Bo's pack does not."""
    theirs = filled.database.value("select uid from rankings where group_id = 3")
    change(
        sent, f"update rankings set uid = '{theirs}', group_id = 3, retracted_at = created_at where id = 4",
        "update ranking_items set completion_id = completion_id + 8 where ranking_id = 4",
        "update criterion_ranks set completion_id = completion_id + 8 where ranking_id = 4",
    )  # fmt: skip
    report = packs.merge(filled, sent)
    assert (report.added, report.retracted, report.known, len(report.refused)) == (1, 0, 0, 1)
    assert [found.group_id for found in counting_rankings(filled) if found.labeler.name == "Ana"] == [1, 2, 3]


def test_a_pack_is_unpacked_at_rest(sent, tmp_path):
    """A job that its maker left queued begins nowhere by itself."""
    values = config_values(TrainRewardConfig())
    with closing(open_project(packs.unpack(sent, tmp_path / "a"))) as one:
        queue.enqueue(one, JobKind.TRAIN_REWARD, values)
        snapshots.write(one, tmp_path / "queued.plumbpack")
    with closing(open_project(packs.unpack(tmp_path / "queued.plumbpack", tmp_path / "b"))) as two:
        assert [job.status for job in queue.listed(two)] == ["stopped"]


def test_a_project_is_not_unpacked_as_a_pack(filled, tmp_path):
    snapshots.write(filled, tmp_path / "x.plumbpack")
    with pytest.raises(BadInput, match="no labeling pack"):
        packs.unpack(tmp_path / "x.plumbpack", tmp_path / "bo")
    assert not (tmp_path / "bo").exists()


@pytest.mark.parametrize("name", ["a#b", "100%41", "what?mode=rwc", "x%2Fy", "file:x", "a b&c=d;e"])
def test_folders_with_marks_of_an_address(filled, sent, tmp_path, name):
    odd = tmp_path / name
    odd.mkdir()
    shutil.copy(sent, odd / f"{name}.plumbpack")
    before = {path for path in tmp_path.rglob("*") if odd not in path.parents}
    assert packs.labeler_of(odd / f"{name}.plumbpack") == "Bo"
    with closing(open_project(packs.unpack(odd / f"{name}.plumbpack", odd / "bo"))) as bo:
        assert len(counting_rankings(bo)) == 2
        packs.pack(bo, odd / "again.plumbpack", "Bo")
    assert packs.merge(filled, odd / "again.plumbpack").added == 2
    assert {path for path in tmp_path.rglob("*") if odd not in path.parents} == before


def fill(project: Project, count: int) -> None:
    """`count` prompts with four completions, each ranked by Ana; every second one by Bo, too."""
    at = "2026-01-01T00:00:00.000+00:00"
    who = [labelers.named(project, name).id for name in ("Ana", "Bo")]
    guidelines.save(project, criteria="a", ties="", flags="", examples="")
    first, rows = 1000, range(1000, 1000 + count)
    made = [(number, person) for number in rows for person in who[: 2 - number % 2]]
    with project.write() as database:
        database.many(f"insert into prompts (id, text, created_at) values (?, ?, '{at}')", [(n, str(n)) for n in rows])
        database.many(
            f"insert into completion_groups (id, prompt_id, created_at) values (?, ?, '{at}')", [(n, n) for n in rows]
        )
        database.many(
            "insert into completions (id, group_id, text) values (?, ?, ?)",
            [(4 * n + k, n, f"{k} of {n}") for n in rows for k in range(4)],
        )
        database.many(
            "insert into rankings (id, group_id, labeler_id, guidelines_id, created_at, uid)"
            f" values (?, ?, ?, 1, '{at}', lower(hex(randomblob(16))))",
            [(first + place, number, person) for place, (number, person) in enumerate(made)],
        )
        database.many(
            "insert into ranking_items (ranking_id, completion_id, rank, position) values (?, ?, ?, ?)",
            [(first + p, 4 * number + k, k + 1, k + 1) for p, (number, _) in enumerate(made) for k in range(4)],
        )


def seconds(project: Project, path: Path) -> float:
    began = time.process_time()
    packs.pack(project, path, "Bo")
    return time.process_time() - began


@pytest.mark.parametrize(("count", "most"), [(4000, 0.8), pytest.param(67_000, 10.0, marks=pytest.mark.slow)])
def test_packing_takes_a_time_in_proportion(project, tmp_path, count, most):
    """100,000 rankings took more than five minutes."""
    fill(project, count)
    assert seconds(project, tmp_path / "bo.plumbpack") < most
    report = packs.merge(project, tmp_path / "bo.plumbpack")
    assert (report.known, report.added, report.refused) == (count // 2, 0, [])


def by_hand(sent: Path, bo: Path, text: str = "Bo's own") -> None:
    """Bo wrote an answer to group 1 in the pack, and ranked it first."""
    with closing(open_project(bo)) as project:
        who = labelers.named(project, "Bo").id
        (mine,) = completions.write(project, 1, who, text).ids
        ranks = {item: place for place, item in enumerate([mine, *completions.ids(project, 1)[:-1]], 1)}
        rankings.add(project, NewRanking(1, who, ranks, shown=tuple(ranks)))
        packs.pack(project, sent, "Bo")


def test_an_answer_written_in_a_pack_joins_the_group_and_once(filled, sent, tmp_path):
    ana = labelers.named(filled, "Ana").id
    (anas,) = completions.write(filled, 1, ana, "Ana's own").ids  # it has the number that Bo's has in the pack
    by_hand(sent, tmp_path / "bo")
    report = packs.merge(filled, sent)
    assert report.refused == [] and report.added == 3
    found = completions.group(filled, 1).completions
    assert [item.written_by for item in found] == ["", "", "", "", "Ana", "Bo"]
    (newest,) = (each for each in counting_rankings(filled) if each.labeler.name == "Bo" and each.group_id == 1)
    assert newest.ranks[found[-1].id] == 1 and anas not in newest.ranks
    assert packs.merge(filled, sent).known == 3
    assert len(completions.ids(filled, 1)) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "update completions set text = ' ' where written_by is not null",
        "update completions set text = printf('%.*c', 300000, 'x') where written_by is not null",
        "update completions set text = (select text from completions where id = 1) where written_by is not null",
        "update completions set written_by = null",
        "update completions set written_by = (select id from labelers where name = 'Bo') where id = 1",
        "insert into completions (group_id, text, written_by) select 1, 'x' || id, (select id from labelers where"
        " name = 'Bo') from (with recursive n(id) as (select 1 union all select id + 1 from n where id < 60)"
        " select id from n)",
    ],
)
def test_answers_that_nobody_could_have_written_in_a_pack_are_left_out(filled, sent, tmp_path, statement):
    by_hand(sent, tmp_path / "bo")
    before = completions.ids(filled, 1)
    change(sent, statement)
    report = packs.merge(filled, sent)
    assert len(report.refused) == 1 and completions.ids(filled, 1) == before
    assert {found.group_id for found in counting_rankings(filled) if found.labeler.name == "Bo"} == {2}


def test_a_pack_from_before_its_prompts_became_turns_is_merged(filled, sent):
    filled.database.execute("update prompts set text = 'User: a\n\nAssistant: b\n\nUser: c' where id = 1")
    change(sent, "update prompts set text = 'Human: a\n\nAssistant: b\n\nHuman: c' where id = 1")
    report = packs.merge(filled, sent)
    assert report.refused == [] and report.added == 2


@pytest.mark.parametrize("name", ["हानिकारक", "نمی\u200cدانم", "can''t judge / skip"])
def test_a_pack_brings_criteria_and_flags_of_any_script(filled, sent, name):
    change(sent, f"update criterion_ranks set criterion = '{name}'", f"update rankings set flag = '{name}'")
    assert packs.merge(filled, sent).added == 2


UNREADABLE = {
    "of a newer version": [
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('plumbline', 'm345_later', '2031')"
    ],
    "with one damaged answer": [
        "delete from rankings", "update completions set text = cast(x'fe' || text as text) where id = 7"
    ],
    "with something foreign in it": ["create view summary as select 1"],
}  # fmt: skip


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_pack_that_cannot_be_read_here_is_not_written_over(filled, sent, what):
    """It came back, and a later version, or a merge that leaves one prompt out, may take the rankings in it."""
    with closing(open_project(sent.parent / "bo")) as bo:
        completions.write(bo, 2, labelers.named(bo, "Bo").id, "Bo's own words")
        packs.pack(bo, sent, "Bo")
    change(sent, *UNREADABLE[what])
    before = sent.read_bytes()
    with pytest.raises(BadInput, match=r"cannot be read here.*choose another name"):
        packs.pack(filled, sent, "Bo")
    assert sent.read_bytes() == before


def test_nor_is_one_where_there_is_no_place_to_look_into_it(filled, sent, monkeypatch):
    """The disk of temporary files is away, or full; that of the pack is not."""
    before = sent.read_bytes()
    (sent.parent / "tmp").write_bytes(b"")
    monkeypatch.setattr(tempfile, "tempdir", str(sent.parent / "tmp"))
    with pytest.raises(BadInput, match="cannot be looked into"):
        packs.pack(filled, sent, "Bo")
    monkeypatch.setattr(tempfile, "tempdir", None)

    def full(source: Path, path: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(snapshots, "copy", full)
    with pytest.raises(KnownError, match="disk is full"):
        packs.pack(filled, sent, "Bo")
    assert sent.read_bytes() == before


def test_nor_is_the_work_of_others_which_no_merge_brings_here(filled, sent, tmp_path):
    before = sent.read_bytes()
    with closing(create_project(tmp_path / "another")) as another:
        (prompt,) = prompts.add(another, [Prompt(0, "Which one?")]).ids
        completions.add_group(another, prompt, tuple(NewCompletion(text, 0, True, 1) for text in ("this", "that")))
        with pytest.raises(BadInput, match="choose another name"):
            packs.pack(another, sent, "Bo")
    packs.pack(filled, tmp_path / "cy.plumbpack", "Cy")
    with closing(open_project(packs.unpack(tmp_path / "cy.plumbpack", tmp_path / "cy"))) as cy:
        with pytest.raises(BadInput, match="choose another name"):
            packs.pack(cy, sent, "Cy")
        packs.pack(cy, tmp_path / "cy.plumbpack", "Cy")  # her own, as before
    assert sent.read_bytes() == before


def test_nor_is_what_its_labeler_did_in_another_copy_of_it(filled, sent, tmp_path):
    """On a laptop and a desktop: both copies are sent back under the same name."""
    packs.pack(filled, tmp_path / "cy.plumbpack", "Cy")
    laptop, desktop = (packs.unpack(tmp_path / "cy.plumbpack", tmp_path / name) for name in ("laptop", "desktop"))
    back = tmp_path / "of cy.plumbpack"
    for number, folder in enumerate((laptop, desktop), start=1):
        with closing(open_project(folder)) as copy:
            cy = labelers.named(copy, "Cy")
            ids = completions.ids(copy, number)
            ranking = rankings.add(copy, NewRanking(number, cy.id, {item: at for at, item in enumerate(ids, 1)})).ids[0]
            if folder == laptop:
                packs.pack(copy, back, "Cy")
                rankings.retract(copy, ranking)
                packs.pack(copy, back, "Cy")  # what was packed from here before is written over
                rankings.restore(copy, ranking)
                packs.pack(copy, back, "Cy")
                continue
            before = back.read_bytes()
            with pytest.raises(BadInput, match=r"another copy of this pack.*choose another name"):
                packs.pack(copy, back, "Cy")
            assert back.read_bytes() == before
            packs.pack(copy, tmp_path / "second.plumbpack", "Cy")
    assert packs.merge(filled, back).added == packs.merge(filled, tmp_path / "second.plumbpack").added == 1


def test_nor_does_any_other_command_write_over_a_pack(filled, sent, tmp_path):
    before, archived = sent.read_bytes(), tmp_path / "a.plumbline.zip"
    archive.archive(filled, archived)
    whole = archived.read_bytes()
    for place in (sent, archived):
        for arguments in (("export", filled.folder, place), ("experiment", filled.folder, "--out", place)):
            assert cli.run([str(argument) for argument in arguments]) == 2
    assert sent.read_bytes() == before and archived.read_bytes() == whole


def test_nor_are_answers_of_a_labeler_who_is_nobody_here_any_more(filled, sent):
    with closing(open_project(sent.parent / "bo")) as bo:
        bo.database.execute("delete from rankings")
        completions.write(bo, 2, labelers.named(bo, "Bo").id, "Bo's own words")
        sent.unlink()
        packs.pack(bo, sent, "Bo")
    filled.database.execute("delete from labelers where name = 'Bo'")
    before = sent.read_bytes()
    with pytest.raises(BadInput, match="merge it first"):
        packs.pack(filled, sent, "Cy")
    assert sent.read_bytes() == before


def test_what_is_no_file_of_plumblines_is_written_over_as_whoever_chose_it_said(filled, tmp_path):
    for content in (b"", b"a list of things to buy\n" * 40):
        (tmp_path / "chosen").write_bytes(content)
        assert packs.pack(filled, tmp_path / "chosen", "Bo") == 6


@pytest.mark.parametrize("name", ["..plumbpack", "...plumbpack", ". ..plumbpack", ".plumbpack"])
def test_no_name_of_a_pack_leads_out_of_the_folder_of_projects(sent, tmp_path, name):
    sent.rename(tmp_path / name)
    projects = tmp_path / "data" / "projects"
    made, _ = packs.take_up(tmp_path / name, projects / packs.folder_name(tmp_path / name))
    assert made.parent == projects and not made.name.startswith(".")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no such permissions")
def test_nobody_else_on_the_machine_reads_the_copy_in_which_a_pack_is_looked_at(sent, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pack_reading.reading(sent) as packed:
        assert packed.folder.is_relative_to(tmp_path) and packed.folder.stat().st_mode & 0o077 == 0
