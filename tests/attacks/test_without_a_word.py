"""Small doors through which somebody's work went away, or became another, without a word."""

import sqlite3
from contextlib import closing

import pytest
from PySide6.QtGui import QGuiApplication

from core.config.jobs import GenerateConfig, JobKind, config_values
from core.conversation import Conversation
from core.jobs import queue
from core.labeling import pack, sending
from core.records import NewRanking
from core.store import DATABASE, completions, labelers, open_project, prompts, rankings
from core.store.undo.steps import Refused
from desktop.compare.composer import Composer
from desktop.instructions.prompts_page import PromptsPage
from desktop.reward.playground_page import PlaygroundPage
from tests.desktop.conftest import *  # noqa: F403

NEWER = "update _sqlite_migrations set name = 'm777_of_next_year' where id = (select max(id) from _sqlite_migrations)"
PRICE = "Is 9\u00a0000\u202f\u20ac too much?"


def torn(file):
    file.write_bytes(file.read_bytes()[:5000])


def newer(file):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(NEWER)


@pytest.mark.parametrize("spoil", [torn, newer])
def test_an_earlier_pack_that_cannot_be_opened_is_named(filled, tmp_path, spoil):
    place = tmp_path / "packs" / "hal"
    for round_, group_id in (("first", 1), ("second", 2)):
        pack.pack(filled, tmp_path / f"{round_}.plumbpack", "Hal")
        folder, report = pack.take_up(tmp_path / f"{round_}.plumbpack", place)
        if round_ == "second":
            break
        with closing(open_project(folder)) as project:
            ids = completions.ids(project, group_id)
            rankings.add(project, NewRanking(group_id, labelers.named(project, "Hal").id, dict.fromkeys(ids, 1)))
        for beside in ("-wal", "-shm"):
            (folder / f"{DATABASE}{beside}").unlink(missing_ok=True)
        spoil(folder / DATABASE)
    assert folder.name == "hal 2" and report.added == 0
    (stays,) = report.refused
    assert "“hal” stays there" in stays and "newer" in stays


def test_what_is_no_project_in_the_way_is_nobodys_work(filled, tmp_path):
    (tmp_path / "hal").mkdir()
    (tmp_path / "hal" / "notes.txt").write_text("mine")
    pack.pack(filled, tmp_path / "hal.plumbpack", "Hal")
    assert pack.take_up(tmp_path / "hal.plumbpack", tmp_path / "hal") == (tmp_path / "hal 2", pack.Merged())


@pytest.mark.parametrize(
    "change", [{"text": "How does dew come about, and when?"}, {"tags": ("weather",)}, {"split": "heldout"}]
)
def test_a_prompt_that_somebody_worked_on_since_is_not_taken_back_with_the_answers(filled, change):
    asked = Conversation.of_text("How does dew come about?")
    changes, config = sending.more(filled, asked, GenerateConfig())
    job = queue.enqueue(filled, JobKind.GENERATE, config_values(config))
    with closing(open_project(filled.folder)) as beside:
        prompts.edit(beside, changes.ids[0], **change)
        worked_on = prompts.get(beside, changes.ids[0])
    with pytest.raises(Refused):
        sending.take_back(filled, changes, asked, job.id)
    assert prompts.get(filled, changes.ids[0]) == worked_on


def test_a_blank_that_keeps_words_together_stays_what_it_is(session):
    """Where prompts are added, and in what is kept of what was typed."""
    page = PromptsPage(session)
    QGuiApplication.clipboard().setText(PRICE)
    page.adding.new_text.paste()
    assert page.adding.conversation() == Conversation.of_text(PRICE)
    page.adding.draft.keep()
    again = PromptsPage(session).adding
    assert again.new_text.text() == PRICE
    page.adding.add()
    assert prompts.listed(session.project)[-1].text == PRICE


@pytest.mark.parametrize("page", [Composer, PlaygroundPage], ids=lambda page: page.__name__)
def test_nor_in_what_is_asked_and_scored(session, page):
    here = page(session)
    here.prompt.insert(PRICE)
    here.bar.system.insert(PRICE)
    assert here.bar.system_text == PRICE
    here.leave()
    again = page(session)
    assert (again.prompt.text(), again.bar.system.text()) == (PRICE, PRICE)
