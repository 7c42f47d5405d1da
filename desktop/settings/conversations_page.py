"""How the open project's conversations reach the model: the choices, and an example as the model reads it with them."""

from dataclasses import asdict, replace
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.config.chat import DEFAULT, REASONING, THINKING, Chat
from core.conversation import Conversation
from core.errors import KnownError
from core.store import Changes, Project, chat_settings, prompts
from desktop.conversation.reading import ReadingView
from desktop.session import Session
from desktop.settings.form import KeepingForm
from desktop.theme.theme import SPACE
from desktop.widgets.basics import card, column, label, scrolled

WORDS = {name: name.capitalize() for name in (*THINKING, *REASONING)}
LONG = ("system_prompt", "chat_template")
ABOUT = "For “{}”, from the next job on. What is trained with other choices than it is used with answers worse."
NO_PROJECT = "They are chosen for each project: open one first."
EXAMPLE = "How do I boil an egg?"
#: Prompts among which the example is looked for.
LOOKED_AT = 20
#: Letters of it.
LONGEST = 2_000
VIEW_HEIGHT = 170


class ConversationsPage(QWidget):
    """Each choice is kept at once; the example below follows it."""

    def __init__(self, session: Session | None) -> None:
        super().__init__()
        self.session = session
        self._now = DEFAULT
        self.form: KeepingForm | None = None
        self.view: ReadingView | None = None
        layout = column(spacing=SPACE + 4)
        layout.setContentsMargins(0, 2 * SPACE, 0, 0)
        self.setLayout(layout)
        try:
            if session is not None:
                self._now = chat_settings.get(session.project)
                self._build(session, layout)
                return
            why_not, role = NO_PROJECT, "muted"
        except KnownError as error:
            why_not, role = str(error), "error"
        layout.addWidget(label(why_not, role, wrap=True))
        layout.addStretch(1)

    def _build(self, session: Session, layout: QVBoxLayout) -> None:
        self.form = KeepingForm(Chat, asdict(self._now), self._keep, {}, WORDS, lines=LONG)
        self.view = ReadingView(session, small=True)
        self.view.setFixedHeight(VIEW_HEIGHT)
        inner = QWidget()
        inner.setLayout(column(self.form, None))
        layout.addWidget(label(ABOUT.format(session.project.name), "muted", wrap=True))
        layout.addWidget(card(column(scrolled(inner))), 1)
        layout.addWidget(label("An example, as the model reads it:", "muted"))
        layout.addWidget(card(column(self.view)))
        session.changed.connect(self._on_changed)

    def look(self) -> None:
        """Show anew what the model reads of the example."""
        if self.session is not None and self.view is not None:
            self.view.look(example(self.session.project))

    def finish(self) -> None:
        """Keep what is being typed, too."""
        if self.form is not None:
            self.form.finish()

    def _keep(self, name: str, value: Any) -> None:
        """A field that is left as it was asks for nothing: not even for the project, which may have closed by then."""
        if self.session is None or getattr(self._now, name) == value:
            return
        self._now = replace(chat_settings.get(self.session.project), **{name: value})
        self.session.announce(chat_settings.choose(self.session.project, self._now), self)
        self.look()

    def _on_changed(self, changes: Changes, origin: object) -> None:
        """Somebody else chose, or took a choice back."""
        if origin is not self and "settings" in changes.tables and self.session is not None and self.form is not None:
            self._now = chat_settings.get(self.session.project)
            self.form.form.show_values(asdict(self._now))
            self.look()


def example(project: Project) -> Conversation:
    """A short prompt of the project that brings no system turn of its own, if there is one."""
    for prompt in prompts.listed(project, limit=LOOKED_AT):
        found = prompt.conversation
        if found.messages[0].role != "system" and len(prompt.text) <= LONGEST:
            return found
    return Conversation.of_text(EXAMPLE)
