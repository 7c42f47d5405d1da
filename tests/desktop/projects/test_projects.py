"""A project handled from the window: archived, restored, duplicated, deleted and put back, with the window live."""

import os
import shutil
import tempfile
import threading
from pathlib import Path
from zipfile import ZipFile

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox, QPushButton

from core.config.jobs import JobKind
from core.config.training import TrainRewardConfig
from core.projects import archive, trash
from core.projects.summary import summary
from core.store import create_project
from core.store.undo import waiting_rows
from desktop import user_settings
from desktop.background import busy
from desktop.places import TabId
from desktop.projects import actions
from desktop.projects.archive_dialog import ArchiveDialog
from tests.desktop.shell.test_access import unnamed


def pressed(box: QMessageBox, text: str) -> QPushButton:
    return next(button for button in box.buttons() if button.text().replace("&", "") == text)


@pytest.fixture
def welcome(open_window, qtbot, tmp_path):
    """The window on its first page, with three projects listed."""
    for name in ("one", "two & more", "three"):
        create_project(tmp_path / name.split()[0], name).close()
        user_settings.add_recent_project(tmp_path / name.split()[0])
    window = open_window()
    qtbot.waitUntil(lambda: len(window.welcome.recent.rows) == 3)
    return window


@pytest.fixture
def opened(open_window, filled):
    folder = filled.folder
    filled.close()
    window = open_window()
    window.workspace.open(folder)
    return window


def names(window):
    return [row.name.whole for row in window.welcome.recent.rows]


def test_recent_projects_have_their_own_names_and_a_menu_by_keyboard(welcome, qtbot, tmp_path):
    assert names(welcome) == ["three", "two & more", "one"]
    row = welcome.welcome.recent.rows[1]
    assert row.name.text() == "two && more"
    assert str(tmp_path / "two") in {label.toolTip() for label in row.findChildren(QLabel)}
    assert unnamed(welcome) == []
    row.name.setFocus()
    qtbot.keyClick(row.name, Qt.Key.Key_Tab)
    assert welcome.focusWidget() is row.more
    remove = next(action for action in row.menu.actions() if "Remove" in action.text())
    remove.trigger()
    qtbot.waitUntil(lambda: names(welcome) == ["three", "one"])
    assert summary(tmp_path / "two") is not None, "it is off the list and still there"
    qtbot.keyClick(welcome.welcome.recent.rows[1].name, Qt.Key.Key_Space)
    assert welcome.session.project.name == "one"


def test_opening_a_project_removes_rows_that_somebody_who_was_killed_kept_for_undo(
    welcome, qtbot, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, held = waiting_rows.new_folder()
    os.utime(left, (0, 0))
    assert welcome.workspace.open(tmp_path / "one")
    qtbot.waitUntil(lambda: not busy())
    assert left.is_dir(), "it is held"
    held.close()
    os.utime(left, (0, 0))
    assert welcome.workspace.open(tmp_path / "two")
    qtbot.waitUntil(lambda: not left.exists())


def test_folders_that_are_gone_are_not_listed(welcome, qtbot, tmp_path):
    shutil.rmtree(tmp_path / "two")
    (tmp_path / "one" / "plumbline.db").write_text("damaged")
    welcome.welcome.refresh()
    qtbot.waitUntil(lambda: names(welcome) == ["three"])


def test_a_long_name_gives_way_to_the_date(welcome, qtbot, tmp_path):
    create_project(tmp_path / "long", "a name that goes on " * 20).close()
    user_settings.add_recent_project(tmp_path / "long")
    welcome.welcome.refresh()
    qtbot.waitUntil(lambda: len(names(welcome)) == 4)
    row = welcome.welcome.recent.rows[0]
    qtbot.waitUntil(lambda: row.name.text().endswith("…"))
    assert row.more.geometry().right() <= row.width()
    assert welcome.welcome.recent.width() < 600


def test_an_archive_is_written_and_restored_while_the_window_lives(opened, qtbot, tmp_path):
    folder, file = opened.session.project.folder, tmp_path / "mine.plumbline.zip"
    opened.projects.write_archive(folder, file)
    assert opened.notice.isVisible()
    assert "Archiving" in opened.notice.text.text()
    qtbot.waitUntil(lambda: "is archived" in opened.notice.text.text())
    assert file.is_file()
    dialog = opened.projects.restore_from(file)
    dialog.folder.setText(str(folder))
    dialog.accept()
    assert "not empty" in dialog.error.text()
    dialog.folder.setText(str(tmp_path / "back"))
    dialog.accept()
    qtbot.waitUntil(lambda: "is restored" in opened.notice.text.text())
    assert opened.session.project.folder == folder, "nobody's work is exchanged under their hands"
    opened.notice.action.click()
    assert opened.session.project.folder == tmp_path / "back"
    assert opened.session.project.database.value("select count(*) from prompts") == 6


def test_an_archive_may_leave_checkpoints_out_where_there_are_any(opened, qtbot, tmp_path):
    folder, file = opened.session.project.folder, tmp_path / "mine.plumbline.zip"
    (folder / "runs" / "1" / "step-000005").mkdir(parents=True)
    (folder / "runs" / "1" / "step-000005" / "weights").write_bytes(bytes(3_000_000))
    opened.projects.archive(folder)
    qtbot.waitUntil(lambda: len(opened.findChildren(ArchiveDialog)) == 1)
    (dialog,) = opened.findChildren(ArchiveDialog)
    assert "3.0 MB" in dialog.checkpoints.text()
    dialog.checkpoints.click()
    dialog.accept()
    (chooser,) = opened.findChildren(QFileDialog)
    chooser.fileSelected.emit(str(file))
    chooser.reject()
    qtbot.waitUntil(lambda: "is archived" in opened.notice.text.text())
    assert ZipFile(file).namelist() == ["plumbline.db"]


def test_a_file_that_is_no_archive_is_one_sentence_and_the_project_stays(opened, qtbot, tmp_path):
    folder = opened.session.project.folder
    (tmp_path / "x.zip").write_text("hello")
    dialog = opened.projects.restore_from(tmp_path / "x.zip")
    dialog.folder.setText(str(tmp_path / "back"))
    dialog.accept()
    qtbot.waitUntil(lambda: opened.findChild(QMessageBox) is not None)
    box = opened.findChild(QMessageBox)
    assert "not a Plumbline archive" in box.informativeText()
    box.close()
    assert opened.session.project.folder == folder
    assert not opened.notice.isVisible()
    assert not (tmp_path / "back").exists()


def test_a_duplicate_is_named_and_can_be_opened(opened, qtbot):
    dialog = opened.projects.duplicate(opened.session.project.folder)
    assert dialog.name.text() == "Test project (copy)"
    dialog.name.clear()
    qtbot.keyClicks(dialog.name, "Second try")
    assert Path(dialog.folder.text()).name == "second-try", "the folder follows the name"
    dialog.accept()
    qtbot.waitUntil(lambda: "is the copy" in opened.notice.text.text())
    opened.notice.action.click()
    assert opened.session.project.name == "Second try"
    assert opened.session.project.database.value("select count(*) from completions") == 24


def test_the_open_project_is_deleted_after_a_question_and_undone(opened, qtbot):
    folder = opened.session.project.folder
    opened.projects.delete(folder)
    qtbot.waitUntil(lambda: opened.findChild(QMessageBox) is not None)
    box = opened.findChild(QMessageBox)
    assert str(folder) in box.informativeText()
    assert "MB" in box.informativeText()
    assert box.defaultButton() is pressed(box, "Cancel")
    pressed(box, "Delete").click()
    qtbot.waitUntil(lambda: "in the trash" in opened.notice.text.text())
    assert opened.session is None
    assert not folder.exists()
    assert opened.menus.made[actions.UNDO_DELETING].isVisible()
    assert "Test project" in opened.menus.made[actions.UNDO_DELETING].text()
    qtbot.waitUntil(lambda: opened.welcome.recent.deleted.isVisible() and not names(opened))
    opened.notice.action.click()
    qtbot.waitUntil(lambda: names(opened) == ["Test project"])
    assert not opened.menus.made[actions.UNDO_DELETING].isVisible()
    assert opened.workspace.open(folder)


def test_a_project_at_work_is_not_deleted_and_shown_again(opened, qtbot, monkeypatch):
    from core.jobs import lock

    monkeypatch.setattr(lock, "LEAVING", 0.2)
    folder = opened.session.project.folder
    opened.open_tab(TabId.REVIEW)
    opened.session.start(JobKind.TRAIN_REWARD, TrainRewardConfig())
    guard = lock.acquire(folder)
    opened.projects.put_in_trash(folder)
    qtbot.waitUntil(lambda: opened.session is not None)
    assert opened.notice.text.text().startswith("Deleting"), "not that its job goes on elsewhere"
    box = opened.findChild(QMessageBox)
    assert "worker is at work" in box.informativeText()
    box.close()
    guard.close()
    assert opened.session.project.folder == folder
    assert opened.shown == TabId.REVIEW


def test_the_trash_lists_puts_back_and_deletes_for_good(welcome, qtbot, tmp_path):
    for name in ("one", "two"):
        welcome.projects.put_in_trash(tmp_path / name)
        qtbot.waitUntil(lambda name=name: not (tmp_path / name).exists() and len(trash.listed()) > 0)
    qtbot.waitUntil(lambda: len(welcome.projects.deleted) == 2)
    dialog = welcome.projects.show_trash()
    qtbot.waitUntil(lambda: dialog.list.rowCount() == 2)
    assert [dialog.list.item(row, 0).text() for row in range(2)] == ["two & more", "one"]
    assert unnamed(dialog) == []
    dialog.restore()
    qtbot.waitUntil(lambda: dialog.list.rowCount() == 1)
    assert summary(tmp_path / "two").name == "two & more"
    dialog.ask()
    box = dialog.findChild(QMessageBox)
    pressed(box, "Delete for good").click()
    qtbot.waitUntil(lambda: "Nothing is deleted" in dialog.about.text())
    assert trash.listed() == []
    assert welcome.projects.deleted == []
    assert not welcome.menus.made[actions.UNDO_DELETING].isVisible()
    dialog.close()


@pytest.fixture
def slow(monkeypatch):
    """Archiving that waits at its first piece until it is let go."""
    go, whole = threading.Event(), archive.archive

    def slowly(folder, path, *, progress, **options):
        def wait(done, total):
            go.wait(20)
            progress(done, total)

        return whole(folder, path, progress=wait, **options)

    monkeypatch.setattr(archive, "archive", slowly)
    yield go
    go.set()


def test_copying_can_be_stopped_and_goes_on_when_the_project_closes(opened, qtbot, tmp_path, slow):
    folder, file = opened.session.project.folder, tmp_path / "mine.plumbline.zip"
    opened.projects.write_archive(folder, file)
    opened.workspace.close()
    assert opened.workspace.copying, "closing a project does not wait for it"
    opened.notice.action.click()
    slow.set()
    qtbot.waitUntil(lambda: "stopped" in opened.notice.text.text())
    assert not list(tmp_path.glob("*mine*")) + list(tmp_path.glob(".*"))


def test_closing_the_window_while_it_copies_asks_first(opened, qtbot, tmp_path, slow):
    opened.projects.write_archive(opened.session.project.folder, tmp_path / "mine.plumbline.zip")
    assert not opened.close()
    box = opened.findChild(QMessageBox)
    assert "is not done" in box.text()
    slow.set()
    pressed(box, "Stop it and close").click()
    qtbot.waitUntil(opened.isHidden)
    assert not list(tmp_path.glob("*mine*")) + list(tmp_path.glob(".*"))
