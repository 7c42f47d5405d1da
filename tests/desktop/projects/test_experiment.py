"""The report of the experiment from the File menu: written beside the window, opened if that is wanted."""

from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from core.labeling import gold
from desktop.projects.experiment_dialog import ExperimentDialog


def action(window, text):
    menu = next(item.menu() for item in window.menuBar().actions() if item.text() == "&File")
    return next(item for item in menu.actions() if text in item.text().replace("&", ""))


def test_the_menu_writes_the_page_and_offers_to_open_it(open_window, filled, tmp_path, qtbot, monkeypatch):
    gold.rank_all(filled, "length")
    window = open_window()
    assert not action(window, "Report of").isEnabled(), "there is nothing to report without a project"
    window.workspace.open(filled.folder)
    action(window, "Report of").trigger()
    files = window.findChild(QFileDialog)
    assert files.selectedFiles()[0].endswith("project-report.html")
    files.fileSelected.emit(str(tmp_path / "page.html"))
    files.close()
    dialog = window.findChild(ExperimentDialog)
    qtbot.waitUntil(dialog.open_button.isEnabled)
    assert "page.html is written" in dialog.said.text()
    assert "one simulated labeler" in (tmp_path / "page.html").read_text(encoding="utf-8")
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    dialog.open_button.click()
    assert opened == [str(tmp_path / "page.html")]


def test_what_goes_wrong_is_said_in_the_dialog(open_window, filled, tmp_path, qtbot):
    window = open_window()
    window.workspace.open(filled.folder)
    dialog = ExperimentDialog(window.session, window)
    dialog.write(tmp_path / "nowhere" / "page.html")
    qtbot.waitUntil(lambda: "is no folder" in dialog.said.text())
    assert not dialog.open_button.isEnabled()
    dialog.close()
