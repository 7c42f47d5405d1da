"""Two windows on one project: both rank and edit, nothing is lost or doubled, each sees what the other did."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from core.records import Prompt
from core.store import guidelines, open_project, prompts
from desktop import user_settings
from desktop.places import TabId
from tests.desktop.rank.ranking import Key, on_disk, press
from tests.ranked import counting_rankings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def two(open_window, filled, qtbot):
    """Two windows whose labelers are ada and bob."""
    windows = []
    for name in ("ada", "bob"):
        user_settings.set_labeler_name(name)
        window = open_window()
        window.workspace.open(filled.folder)
        window.open_tab(TabId.RANK)
        windows.append(window)
    return windows


def rank_tab(window):
    window.open_tab(TabId.RANK)
    return window.tabs[TabId.RANK]


def rank_one(tab) -> int:
    """Rank what is on the table, from the first card to the last; returns its group."""
    group = tab.labeling.group.id
    press(tab, Key.Key_A, Key.Key_B, Key.Key_C, Key.Key_D, Key.Key_Return)
    return group


def test_both_rank_in_turn_and_every_ranking_counts_once(two, filled):
    ada, bob = (rank_tab(window) for window in two)
    for _ in range(4):
        rank_one(ada)
        rank_one(bob)
        for window in two:
            window.session.poll()
    rows = on_disk(
        filled,
        "select l.name, count(*), count(distinct r.group_id), count(distinct r.uid) from current_rankings r"
        " join labelers l on l.id = r.labeler_id group by 1 order by 1",
    )
    assert rows == [("ada", 4, 4, 4), ("bob", 4, 4, 4)]
    assert on_disk(filled, "select count(*) from rankings") == [(8,)]
    assert on_disk(filled, "select count(*) from pairs") == [(48,)]
    assert (ada.labeling.waiting, bob.labeling.waiting) == (2, 2)


def test_one_labeler_in_two_windows_is_not_asked_twice(two, filled):
    first, second = two
    for window in two:
        rank_tab(window).rename("ada")
    group = rank_one(rank_tab(first))
    second.session.poll()
    assert rank_tab(second).labeling.group.id != group, "it goes on to what is left"
    assert rank_one(rank_tab(second)) != group
    first.session.poll()
    assert rank_tab(first).labeling.waiting == rank_tab(second).labeling.waiting == 4
    # What is begun is never taken away: both rank one item, the later order counts, the earlier stays in the file.
    press(rank_tab(second), Key.Key_B)
    mine = rank_tab(second).labeling.group.id
    assert rank_one(rank_tab(first)) == mine
    second.session.poll()
    assert rank_tab(second).labeling.group.id == mine
    press(rank_tab(second), Key.Key_A, Key.Key_C, Key.Key_D, Key.Key_Return)
    assert on_disk(filled, "select count(*) from rankings where group_id = ?", mine) == [(2,)]
    assert on_disk(filled, "select count(*) from current_rankings where group_id = ?", mine) == [(1,)]


def test_undo_in_one_window_is_seen_in_the_other(two, filled):
    first, second = two
    for window in two:
        rank_tab(window).rename("ada")
    group = rank_one(rank_tab(first))
    second.session.poll()
    assert rank_tab(second).labeling.waiting == 5
    rank_tab(first).controller.undo()
    second.session.poll()
    assert rank_tab(second).labeling.waiting == 6
    assert group in rank_tab(second).labeling.queue


def test_edits_of_guidelines_and_prompts_are_seen_and_typing_is_kept(two, filled, qtbot):
    for window in two:
        window.open_tab(TabId.INSTRUCTIONS)
    ours, theirs = (window.tabs[TabId.INSTRUCTIONS] for window in two)
    ours.guidelines.editors["criteria"].setPlainText("Be brief.")
    ours.guidelines.save()
    two[1].session.poll()
    assert theirs.guidelines.editors["criteria"].toPlainText() == "Be brief."
    theirs.guidelines.editors["criteria"].setPlainText("Be brief and")
    ours.guidelines.editors["ties"].setPlainText("Never.")
    ours.guidelines.save()
    two[1].session.poll()
    assert theirs.guidelines.editors["criteria"].toPlainText() == "Be brief and", "what is typed stays"
    theirs.guidelines.save()
    versions = [found.criteria for found in guidelines.versions(filled)]
    assert versions == ["Be brief and", "Be brief.", "Be brief.", "Be kind."], "every save is a version of its own"
    two[0].session.announce(prompts.add(two[0].session.project, [Prompt(0, "a seventh?")]))
    two[1].session.poll()
    assert theirs.pages.tabText(1) == "Prompts (7)"
    two[0].session.announce(prompts.delete(two[0].session.project, [3]))
    two[1].session.poll()
    assert theirs.pages.tabText(1) == "Prompts (6)"


RANK = """
import sys
from contextlib import closing
from pathlib import Path
from core.records import NewRanking, Prompt
from core.store import completions, labelers, open_project, prompts, rankings
with closing(open_project(Path(sys.argv[1]))) as project:
    me = labelers.named(project, sys.argv[2])
    for turn in range(20):
        group = turn % 6 + 1
        ranks = {item: rank for rank, item in enumerate(completions.ids(project, group), 1)}
        done = rankings.add(project, NewRanking(group, me.id, ranks))
        if turn % 5 == 4:
            rankings.retract(project, done.ids[0])
        prompts.add(project, [Prompt(0, f"{sys.argv[2]} asks {turn}"), Prompt(0, f"both ask {turn}")])
"""


def test_two_processes_that_write_at_once_lose_and_double_nothing(filled):
    command = [sys.executable, "-c", RANK, str(filled.folder)]
    writers = [subprocess.Popen([*command, name], cwd=ROOT, stderr=subprocess.PIPE) for name in ("ada", "bob")]
    for writer in writers:
        assert writer.wait(60) == 0, writer.stderr.read().decode()
        writer.stderr.close()
    with closing(open_project(filled.folder)) as project:
        assert project.database.value("pragma integrity_check") == "ok"
        assert project.database.value("select count(*) from rankings") == 40
        assert project.database.value("select count(*) from rankings where retracted_at is not null") == 8
        assert project.database.value("select count(*) from ranking_items") == 160
        assert project.edits("rankings") == 8
        assert prompts.count(project) == 6 + 20 + 20 + 20
        counted = {(found.labeler.name, found.group_id) for found in counting_rankings(project)}
        assert counted == {(name, group) for name in ("ada", "bob") for group in range(1, 7)}
