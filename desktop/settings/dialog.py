"""The settings: what the worker heeds, the models on this machine, how the project's conversations reach them, and how
the window looks. Each is kept at once."""

from dataclasses import asdict

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QTabWidget, QWidget

from core.machine import compute_settings
from desktop import user_settings
from desktop.guide import guide
from desktop.session import Session
from desktop.settings.computing_page import ComputingPage
from desktop.settings.conversations_page import ConversationsPage
from desktop.settings.form import KeepingForm
from desktop.settings.models_page import ModelsPage
from desktop.theme.theme import SPACE
from desktop.user_settings import Choices
from desktop.widgets import message_boxes
from desktop.widgets.basics import button, card, clear, column, label, row

TITLES = {
    "theme": "Theme",
    "window_font_size": "Text size of the window",
    "font_size": "Text size of ranking cards",
    "labeler": "Your name as a labeler",
    "break_minutes": "Suggest a break after",
}
WORDS = {"system": "Like the desktop", "light": "Light", "dark": "Dark"}


class WindowPage(QWidget):
    """How the window looks to this person, and who is ranking."""

    changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.place = column()
        layout = column(
            label("For you, in all projects. A change is there at once.", "muted"),
            card(column(self.place)),
            None,
            spacing=2 * SPACE,
        )
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        self.load()

    def load(self) -> None:
        """Show what is chosen now."""
        clear(self.place)
        self.form = KeepingForm(Choices, asdict(user_settings.choices()), user_settings.choose, TITLES, WORDS)
        self.form.changed.connect(self.changed)
        self.place.addWidget(self.form)


class SettingsDialog(QDialog):
    """`changed` names the choice of `settings.Choices` that was made; empty when all of them may be others."""

    changed = Signal(str)

    def __init__(self, session: Session | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        self.resize(720, 700)
        self.computing, self.models, self.looks = ComputingPage(session), ModelsPage(session), WindowPage()
        self.conversations = ConversationsPage(session)
        self.looks.changed.connect(self.changed)
        self.pages = QTabWidget(self)
        self.pages.setAccessibleName("Pages of the settings")
        for page, title in (
            (self.computing, "Computing"),
            (self.models, "Models and data"),
            (self.conversations, "Conversations"),
            (self.looks, "Window and ranking"),
        ):
            self.pages.addTab(page, title)
        self.pages.currentChanged.connect(self._shown)
        self.reset_button = button("Reset to the defaults …", self.ask_reset, default=False)
        close = button("Close", self.accept, role="primary")
        foot = row(
            self.reset_button,
            button("Help on the settings", lambda: guide.show("settings", self), role="link", default=False),
            None,
            close,
            spacing=2 * SPACE,
        )
        layout = column(self.pages, foot, spacing=2 * SPACE)
        layout.setStretch(0, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)

    def _shown(self, place: int) -> None:
        """The example is asked for when somebody comes to see it: the first look takes seconds."""
        if self.pages.widget(place) is self.conversations:
            self.conversations.look()

    def done(self, result: int) -> None:
        """What is being typed counts when the dialog is closed."""
        self.computing.form.finish()
        self.looks.form.finish()
        self.conversations.finish()
        super().done(result)

    def ask_reset(self) -> None:
        """Ask before everything is put back."""
        more = "Models, projects and everything in them stay as they are."
        message_boxes.ask(self, "Put back the defaults of all settings?", more, "Reset", self.reset)

    def reset(self) -> None:
        """Put back the defaults."""
        compute_settings.reset()
        user_settings.reset()
        self.computing.load()
        self.looks.load()
        self.changed.emit("")
