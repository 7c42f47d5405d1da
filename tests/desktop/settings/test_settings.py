"""The settings and the system view, as a person uses them."""

import os
import sys

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from core.config.jobs import JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import Loaded, Metrics
from core.jobs import lock, presence, queue
from core.jobs.recorder import Recorder
from core.machine import base_models, compute_settings
from core.store import open_project
from desktop import user_settings
from desktop.places import TabId
from desktop.settings.dialog import SettingsDialog
from desktop.shell.actions import THEMES
from desktop.theme import theme
from tests.core.machine.test_compute_settings import nvml
from tests.desktop.shell.test_access import unnamed
from tests.jobs import set_job


def texts(widget):
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    """Nobody else chooses, and the look is put back."""
    for name in compute_settings.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    before = theme.current().name
    yield
    theme.apply(QApplication.instance(), before, theme.BODY)


@pytest.fixture
def opened(open_window, filled):
    window = open_window()
    window.workspace.open(filled.folder)
    window.open_tab(TabId.RANK)
    return window


def choose(box, words):
    assert box.findText(words) >= 0
    box.setCurrentText(words)


def settings_of(window):
    action = next(
        action for action in window.menuBar().actions()[0].menu().actions() if action.shortcut().toString() == "Ctrl+,"
    )
    action.trigger()
    return window.findChildren(SettingsDialog)[-1]


def test_choices_are_kept_at_once_and_can_be_put_back(opened, qtbot, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    presence.tell(opened.session.project, Loaded("Tiny", "cpu", "float32", "no GPU was found", 2))
    dialog = settings_of(opened)
    assert "PLUMBLINE_DTYPE is set and wins over “Number format”." in texts(dialog)
    assert "Tiny on cpu in float32, 2 CPU threads: no GPU was found." in texts(dialog)
    fields = dialog.computing.form.form.fields
    choose(fields["device"], "Processor (cpu)")
    fields["threads"].selectAll()
    qtbot.keyClicks(fields["threads"], "3")
    qtbot.keyClick(fields["threads"], Qt.Key.Key_Return)
    assert dialog.isVisible(), "Return in a field keeps it"
    assert compute_settings.chosen() == compute_settings.Machine(device="cpu", threads=3)
    fields["memory_gb"].selectAll()
    qtbot.keyClicks(fields["memory_gb"], "7.5")
    dialog.close()
    assert compute_settings.chosen().memory_gb == 7.5, "what was being typed counts"
    dialog = settings_of(opened)
    dialog.reset_button.click()
    box = dialog.findChild(QMessageBox)
    next(button for button in box.buttons() if button.text() == "Reset").click()
    assert compute_settings.chosen() == compute_settings.Machine()
    assert dialog.computing.form.form.fields["device"].currentText() == "Automatic"
    dialog.close()


def test_every_field_says_what_it_does_its_default_and_its_range(opened):
    dialog = settings_of(opened)
    for page, number in ((dialog.computing, 5), (dialog.looks, 5)):
        dialog.pages.setCurrentWidget(page)
        said = [label for label in page.form.findChildren(QLabel) if "Default: " in label.text()]
        assert len(said) == number
        assert all(label.width() >= label.sizeHint().width() for label in said), "nothing is cut"
    said = texts(dialog.looks)
    assert "headings and small print go along.\nDefault: 14; from 12 to 16." in said
    assert "Default: your user name." in said and "Default: Like the desktop." in said
    dialog.close()


def test_the_window_follows_what_is_chosen(opened, qtbot):
    dialog = settings_of(opened)
    dialog.pages.setCurrentWidget(dialog.looks)
    fields = dialog.looks.form.form.fields
    choose(fields["theme"], "Dark")
    assert theme.current().name == "dark"
    assert [mode for mode, action in THEMES.items() if opened.menus.made[action].isChecked()] == ["dark"]
    height = opened.menuBar().sizeHint().height()
    fields["window_font_size"].setValue(16)
    assert opened.menuBar().sizeHint().height() > height
    fields["font_size"].setValue(22)
    card = opened.tabs[TabId.RANK].board.grid.cards[0]
    assert "font-size: 22px" in card.text.styleSheet()
    fields["break_minutes"].setValue(40)
    fields["labeler"].clear()
    qtbot.keyClicks(fields["labeler"], "Ada")
    dialog.close()
    rank = opened.tabs[TabId.RANK]
    assert (user_settings.labeler_name(), rank.labeling.labeler.name, rank.header.labeler.text()) == (
        "Ada",
        "Ada",
        "Ada",
    )
    assert rank.side.clock.minutes.value() == 40


def test_a_model_is_deleted_after_asking_unless_it_is_at_work(opened, qtbot, monkeypatch):
    monkeypatch.setattr(lock, "LEAVING", 0.1)
    folder = base_models.parse("embedded").folder
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"0" * 5_000_000)
    dialog = settings_of(opened)
    dialog.pages.setCurrentWidget(dialog.models)
    qtbot.waitUntil(lambda: "used by project" in texts(dialog.models))
    assert "5.0 MB" in texts(dialog.models)

    def delete():
        next(button for button in dialog.models.findChildren(QPushButton) if button.text() == "Delete …").click()
        box = dialog.models.findChildren(QMessageBox)[-1]
        next(button for button in box.buttons() if button.text() == "Delete").click()

    guard = lock.acquire(opened.session.project.folder)
    delete()
    qtbot.waitUntil(lambda: any("is using" in box.informativeText() for box in dialog.models.findChildren(QMessageBox)))
    assert folder.is_dir()
    next(box for box in dialog.models.findChildren(QMessageBox) if "is using" in box.informativeText()).close()
    guard.close()
    delete()
    qtbot.waitUntil(lambda: "None yet" in texts(dialog.models))
    assert not folder.exists()
    dialog.close()


def test_the_settings_can_be_read_aloud_and_open_without_a_project(open_window, qtbot):
    dialog = settings_of(open_window())
    for page in range(dialog.pages.count()):
        dialog.pages.setCurrentIndex(page)
        assert unnamed(dialog) == []
    dialog.close()


def test_the_system_view_shows_the_worker_and_reads_only_while_seen(opened, qtbot, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", nvml())
    opened.panels.toggle_system()
    panel = opened.panels.system
    assert "it starts with the next job" in texts(panel)
    qtbot.waitUntil(lambda: "Processor" in texts(panel))
    assert "20.0 of 80.0 GB" in texts(panel)
    assert "350 W of 700" in texts(panel)

    worker = open_project(opened.session.project.folder)
    guard = lock.acquire(worker.folder)
    presence.tell(worker, Loaded("Tiny", "cuda", "bfloat16", "NVIDIA H100", 8))
    config = config_values(TrainPolicyConfig(gold="length"), ALGORITHMS["ppo"].config())
    job = queue.enqueue(worker, JobKind.TRAIN_POLICY, config)
    set_job(worker, job.id, status="running")
    Recorder(worker, job.id).record(Metrics(1, {"time/tokens_per_second": 123.0}))
    panel.tick()
    qtbot.waitUntil(lambda: "123" in texts(panel))
    assert f"bfloat16 on cuda, 8 CPU threads, process {os.getpid()}" in texts(panel)
    assert "Why there: NVIDIA H100" in texts(panel)
    worker.close()
    guard.close()

    qtbot.waitUntil(lambda: not panel.reading)
    opened.panels.toggle_system()
    assert not [timer for timer in panel.findChildren(QTimer) if timer.isActive()]
