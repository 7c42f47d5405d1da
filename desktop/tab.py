"""The contract between the window and its tabs: what every tab is, and what some can do besides."""

from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from core.conversation import Conversation
from core.guidance.steps import Step
from core.store import Changes
from desktop.actions import SHOW, Action
from desktop.places import INFO, PageId, TabId, TabInfo
from desktop.session import Session
from desktop.theme.theme import SPACE
from desktop.widgets.aside import Aside
from desktop.widgets.basics import button, column, label, row
from desktop.widgets.bound import bound_in


class TabWidget(QWidget):
    """A tab: it has an id, is given the session, and shows what the project holds from the moment it is built."""

    ID: ClassVar[TabId]
    noted = Signal(str)
    """What stands beside its name is this now."""
    pages: QTabWidget | None = None
    """Its pages, in the order of `TabInfo.pages`; None where it has none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.about = label("", "muted", wrap=True)
        self.note = label("", "muted")
        self.note.hide()

    @property
    def info(self) -> TabInfo:
        return INFO[self.ID]

    @property
    def page(self) -> PageId | None:
        """The page that is shown."""
        return self.info.pages[self.pages.currentIndex()] if self.pages is not None else None

    def refresh(self, changes: Changes | None) -> None:
        """Repaint what `changes` (None is everything) touched; called while it is seen."""
        raise NotImplementedError

    def control_of(self, step: Step) -> QWidget | None:
        """What a step of the loop is done with here; None for those that are done elsewhere."""
        return None

    @property
    def keyed(self) -> QWidget | None:
        """What is shown and worked with by keys of its own, so that they go there; None where nothing is."""
        return None

    def show_page(self, page: PageId) -> None:
        """Show one of its pages."""
        if self.pages is not None:
            self.pages.setCurrentIndex(self.info.pages.index(page))

    def open_page(self, page: PageId) -> None:
        """Show a page, or a panel of its own, ready for what is done there."""
        self.show_page(page)

    def do(self, action: Action) -> bool:
        """Do something on the page where it belongs; False if it cannot be done now."""
        if action.page is not None:
            self.show_page(action.page)
        if action in SHOW.values():
            return True
        found = next((each for each in bound_in(self) if each.action == action and each.available), None)
        if found is not None:
            found.run()
        return found is not None

    def show_note(self, text: str) -> None:
        """Say beside its name, here and in the sidebar, what it works with."""
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.noted.emit(text)

    def heading(self, line: str, *beside: QWidget | None) -> QVBoxLayout:
        """What the tab is called, what stands beside that, help on it, and in one line what it needs and gives."""
        aid = button(
            "?", lambda: self.session.navigator.show_guide(), role="help", tip="Help on this page (F1)", default=False
        )
        aid.setAccessibleName("Help on this page")
        for beside_it in (aid, self.about):
            Aside(beside_it)
        head = row(label(self.info.title, "title"), self.note, *beside, None, aid, spacing=2 * SPACE)
        head.setStretch(2 + len(beside), 0)  # what stands beside has all the room, but while it is hidden
        if beside:
            head.setStretch(2, 1)
        self.about.setText(line)
        return column(head, self.about, spacing=SPACE // 2)


class ShowsRuns:
    """A tab with runs."""

    def show_newest_run(self) -> None:
        """Show the run that was begun last."""
        raise NotImplementedError


class Replays:
    """A tab that shows a recorded run once more, as if it went on now."""

    def replay(self) -> None:
        """Begin, or stop where it goes on."""
        raise NotImplementedError

    @property
    def replays(self) -> bool:
        """Does one go on?"""
        raise NotImplementedError


class ReadsSettings:
    """A tab that is another after somebody's settings were changed."""

    def read_settings(self) -> None:
        """Take over what is chosen now."""
        raise NotImplementedError


class LooksAtConversation:
    """A tab where a conversation is shown or written."""

    def conversation(self) -> Conversation | None:
        """The one that somebody looks at now; None where there is none."""
        raise NotImplementedError


class HoldsOut:
    """A tab where prompts are held out."""

    def show_holding_out(self) -> None:
        """Show where that is done."""
        raise NotImplementedError


class Compares:
    """A tab where a policy is read beside the reference."""

    def compare_with(self, policy_job: int, checkpoint: str) -> None:
        """Show what a checkpoint of a run answers."""
        raise NotImplementedError


class Ranks:
    """A tab where completions are ranked."""

    def write_with(self, policy_job: int, checkpoint: str = "last") -> None:
        """Let a run's policy write completions."""
        raise NotImplementedError

    def adjudicate(self, group_id: int) -> None:
        """Show completions on which labelers disagree."""
        raise NotImplementedError

    def rank(self, group_id: int) -> None:
        """Show completions to be ranked now."""
        raise NotImplementedError
