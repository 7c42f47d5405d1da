"""What the model reads of a conversation: one look, from wherever a conversation is shown or written."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QWidget

from core.config.jobs import FetchModelConfig, JobKind
from core.conversation import Conversation
from core.errors import KnownError
from core.jobs.follow import News
from core.machine.reading import NotHere
from core.machine.reading import Reading as Found
from core.runs import wishes
from core.store import Project
from desktop import errors
from desktop.actions import WHAT_IT_READS, plain
from desktop.background import with_project
from desktop.conversation.exact_text import CLOSE, OPEN, ExactText
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row, set_role

WAITING = "Reading the tokenizer: the first look takes some seconds …"
LEGEND = (
    f"{OPEN} {CLOSE} stand around control tokens, which the chat template wrote. What looks like one elsewhere is only "
    "text. The answer begins at the end."
)


class ReadingView(QWidget):
    """The exact text with its control tokens marked, the count of tokens, and what was done to the conversation."""

    def __init__(
        self,
        session: Session,
        parent: QWidget | None = None,
        *,
        beside: QWidget | None = None,
        small: bool = False,
    ) -> None:
        """`beside` stands at the end of its last line. A `small` one is an example: the text and how long it is."""
        super().__init__(parent)
        self.session = session
        self._small = small
        self._conversation: Conversation | None = None
        self._looks = 0
        self._fetching = 0
        self.count = label("", "heading", wrap=True)
        self.legend = label(LEGEND, "muted", wrap=True)
        self.text = ExactText(self)
        self.notes = label("", "warning", wrap=True)
        self.fetch_button = button("Fetch it now", self.fetch, default=False)
        self.blanks = QCheckBox("Show blanks and line ends", self)
        self.blanks.setChecked(True)
        self.blanks.toggled.connect(self.text.show_blanks)
        self.copy_button = button("Copy the text", self.text.copy_whole, default=False)
        self.fetch_button.hide()
        foot = row(self.blanks, None, self.copy_button)
        if beside is not None:
            foot.addWidget(beside)
        self.filler = QWidget(self)
        layout = column(self.count, self.legend, self.text, self.notes, row(self.fetch_button, None), self.filler, foot)
        layout.setStretch(2, 1)
        layout.setStretch(5, 1)
        self.setLayout(layout)
        if small:
            self.text.setToolTip(LEGEND)
            self.text.show_blanks(False)
        session.news.connect(self._on_news)

    def look(self, conversation: Conversation) -> None:
        """Ask for it beside the window; the newest look is the one that is shown."""
        self._conversation = conversation
        self._looks += 1
        look, reader = self._looks, self.session.reader
        self._say(WAITING, "muted")

        def ask(project: Project) -> Found:
            wishes.check_look(project)
            return reader.ask(project, conversation)

        def show(found: Found) -> None:
            if look == self._looks:
                self._show(found)

        def failed(error: Exception) -> None:
            if look == self._looks:
                self._failed(error)

        with_project(self, self.session.project, ask, show, failed)

    def _show(self, found: Found) -> None:
        role = "subheading" if self._small else "heading"
        self._say(f"{found.tokens:,} tokens of {found.longest:,} that {found.model} reads", role)
        notes = [f"{note[:1].upper()}{note[1:]}." for note in found.notes]
        if found.too_long:
            notes.insert(0, "That is more than the model reads: the oldest turns are left out.")
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self.text.show_pieces(found.pieces)
        self._show_parts(True)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, KnownError):
            errors.show(error, self)
        if isinstance(error, NotHere):
            self._say("The model is not on this machine yet. A job fetches it when it is first needed.", "warning")
            self.fetch_button.show()
        else:
            self._say(errors.worded(str(error)) if isinstance(error, KnownError) else errors.BROKEN, "error")

    def _say(self, sentence: str, role: str) -> None:
        """One sentence in place of the text."""
        self.count.setText(sentence)
        set_role(self.count, role)
        self.notes.hide()
        self.fetch_button.hide()
        self._show_parts(False)

    def _show_parts(self, on: bool) -> None:
        self.text.setVisible(on)
        for part in (self.legend, self.blanks, self.copy_button):
            part.setVisible(on and not self._small)
        self.filler.setVisible(not on)

    def fetch(self) -> None:
        """Bring the model here, then look again."""
        try:
            self._fetching = self.session.start(JobKind.FETCH_MODEL, FetchModelConfig()).id
        except KnownError as error:
            errors.show(error, self, self.fetch)
            return
        self._say("The model is being fetched: how far it is stands at the foot of the window.", "muted")

    def _on_news(self, news: News) -> None:
        for job in news.jobs:
            if job.id != self._fetching or self._conversation is None:
                continue
            if job.status == "done":
                self.look(self._conversation)
            elif job.status in ("failed", "stopped", "interrupted"):
                self._say(job.error or "The model was not fetched.", "error")
                self.fetch_button.show()


class ReadingDialog(QDialog):
    """One look; what it shows was so when it was opened."""

    def __init__(self, session: Session, conversation: Conversation, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(plain(WHAT_IT_READS.title))
        self.resize(820, 600)
        self.view = ReadingView(session, self, beside=button("Close", self.accept, role="primary"))
        layout = column(self.view)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self.view.look(conversation)


def show_reading(session: Session, conversation: Conversation, parent: QWidget) -> ReadingDialog:
    """Open the look at what the project's model reads of a conversation."""
    found = ReadingDialog(session, conversation, parent)
    found.open()
    return found
