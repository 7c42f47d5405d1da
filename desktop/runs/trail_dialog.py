"""Where a number came from, to be walked from page to page: a step of a run, its samples, what scored them, the
rankings behind that and who made them; and back from a ranking to all that it has influenced."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from core.errors import KnownError
from core.runs import trail_pages
from core.runs.trail_pages import Line, Page, Place
from core.store import Project
from desktop import errors
from desktop.background import with_project
from desktop.runs import actions
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, card, clear, column, label, row, scrolled
from desktop.widgets.bound import action_button
from desktop.widgets.elided import ElidedLink

TITLE = "Where it came from"
ROLES = {"heading": "subheading", "warning": "warning"}


class TrailDialog(QDialog):
    """One page at a time; links lead on, and what was seen can be gone through back and forth."""

    def __init__(self, session: Session, place: Place, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(TITLE)
        self.resize(760, 620)
        self.session = session
        self.seen: list[Place] = []
        self.at = -1
        self.back = action_button(actions.BACK, lambda: self._show(self.at - 1), default=False)
        self.forward = action_button(actions.FORWARD, lambda: self._show(self.at + 1), default=False)
        self.title = label("", "heading", wrap=True)
        self.links: list[ElidedLink] = []
        self._lines = column(spacing=SPACE - 2)
        self._inner = QWidget()
        self._inner.setLayout(column(self._lines, None))
        self._area = scrolled(self._inner)
        self._close = button("Close", self.accept, default=False)
        layout = column(
            row(self.back, self.forward, None), self.title, self._area, row(None, self._close), spacing=SPACE + 4
        )
        layout.setStretch(2, 1)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        self.setLayout(layout)
        self.go(place)

    def go(self, place: Place) -> None:
        """Show a page, and forget those that lay before."""
        self.seen = [*self.seen[: self.at + 1], place]
        self._show(len(self.seen) - 1)

    def _show(self, at: int) -> None:
        """Read a page of those that were seen, beside the window; of several that are asked for the last one counts."""
        self.at, place = at, self.seen[at]
        self.back.setEnabled(at > 0)
        self.forward.setEnabled(at + 1 < len(self.seen))

        def read(project: Project) -> Page:
            return trail_pages.page(project, place)

        def failed(error: Exception) -> None:
            if not isinstance(error, KnownError):
                errors.show(error, self)
            elif place is self.seen[self.at]:
                self._fill(Page(TITLE, (Line(errors.worded(str(error)), "warning"),)))

        def show(page: Page) -> None:
            if place is self.seen[self.at]:
                self._fill(page)

        with_project(self, self.session.project, read, show, failed)

    def _fill(self, page: Page) -> None:
        self.title.setText(page.title)
        self.links = []
        clear(self._lines)
        for line in page.lines:
            self._lines.addWidget(self._widget(line))
        self._area.verticalScrollBar().setValue(0)
        (self.links[0] if self.links else self._close).setFocus(Qt.FocusReason.OtherFocusReason)

    def _widget(self, line: Line) -> QWidget:
        if line.to is not None:
            return self._link(line.text, line.to)
        text = label(line.text, ROLES.get(line.kind, ""), wrap=True)
        if line.kind == "heading":
            text.setContentsMargins(0, SPACE, 0, 0)
        if line.kind != "quote":
            return text
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return card(column(text), SPACE + 4)

    def _link(self, text: str, to: Place) -> QWidget:
        found = ElidedLink(text)
        found.clicked.connect(partial(self.go, to))
        self.links.append(found)
        holder = QWidget()
        holder.setLayout(row(found, None))
        return holder


def show_trail(session: Session, place: Place, parent: QWidget) -> TrailDialog:
    """Open the chain at a page."""
    found = TrailDialog(session, place, parent)
    found.open()
    return found
