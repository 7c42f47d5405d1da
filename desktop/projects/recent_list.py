"""The recent projects on the welcome page: each with its name, when it last changed, its folder and a menu."""

from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from core.projects import trash
from core.projects.summary import Summary, summary
from desktop import user_settings
from desktop.background import in_background
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, clear, column, label, row
from desktop.widgets.dates import local_time
from desktop.widgets.elided import ElidedLabel, ElidedLink
from desktop.widgets.growing import keep_size
from desktop.widgets.strangers import tip

#: What can be asked for a project from its menu, by the name that `asked` carries; None is a line.
MENU: tuple[tuple[str, str] | None, ...] = (
    ("open", "&Open"),
    None,
    ("duplicate", "&Duplicate …"),
    ("archive", "&Archive to a file …"),
    ("show", "&Show folder"),
    None,
    ("forget", "&Remove from this list"),
    ("delete", "De&lete …"),
)


class RecentList(QWidget):
    """Reads the projects in the background; folders that are gone are not listed."""

    asked = Signal(str, object)
    """(one of `MENU`'s names or `trash`, the project's folder)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[RecentRow] = []
        self._asked = 0
        self._list = column(spacing=SPACE // 2)
        self.empty = label("None yet: projects that you open are listed here.", "muted", wrap=True)
        self.empty.hide()
        self.deleted = button("Deleted projects …", lambda: self.asked.emit("trash", None), role="link")
        self.deleted.hide()
        self.setLayout(column(self._list, self.empty, None, row(self.deleted, None), spacing=SPACE))

    def refresh(self) -> None:
        """Look at the projects again; what is shown stays until then."""
        self._asked += 1
        number = self._asked

        def show(found: tuple[list[Summary], bool]) -> None:
            if number == self._asked:
                self._show(*found)

        in_background(self, _look, show)

    def _show(self, found: list[Summary], deleted: bool) -> None:
        clear(self._list)
        self.rows = [RecentRow(each, self) for each in found]
        for each in self.rows:
            self._list.addWidget(each)
        self.empty.setVisible(not found)
        self.deleted.setVisible(deleted)


def _look() -> tuple[list[Summary], bool]:
    found = (summary(folder) for folder in user_settings.recent_projects())
    return [each for each in found if each is not None], bool(trash.listed())


class RecentRow(QWidget):
    """The name opens the project; the menu, or a right click, does the rest."""

    def __init__(self, found: Summary, recent: RecentList) -> None:
        super().__init__(recent)
        self.recent, self.folder = recent, found.folder
        self.name = ElidedLink(found.name)
        self.name.setToolTip(tip(f"Open {found.folder}"))
        self.name.clicked.connect(lambda: recent.asked.emit("open", found.folder))
        changed = local_time(datetime.fromtimestamp(found.changed, UTC).isoformat())
        date = label(changed, "small")
        date.setToolTip("When it last changed")
        where = ElidedLabel(_from_home(found.folder), "small", Qt.TextElideMode.ElideMiddle)
        where.setToolTip(tip(str(found.folder)))
        where.setContentsMargins(3, 0, 0, 0)
        self.menu = QMenu(self)
        for item in MENU:
            if item is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(item[1]).triggered.connect(lambda _=False, name=item[0]: self._ask(name))
        more = QToolButton()
        more.setText("⋯")
        more.setAccessibleName(f"More for {self.name.whole}")
        more.setToolTip("Duplicate, archive, delete …")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setProperty("role", "more")
        keep_size(more, 28)
        more.setMenu(self.menu)
        self.more = more
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._pop_up)
        first = row(self.name, None, date, spacing=SPACE)
        texts: QVBoxLayout = column(first, where, spacing=0)
        both = row(texts, more, spacing=SPACE)
        both.setStretch(0, 1)
        self.setLayout(both)

    def _ask(self, name: str) -> None:
        self.recent.asked.emit(name, self.folder)

    def _pop_up(self, at: QPoint) -> None:
        self.menu.popup(self.mapToGlobal(at))


def _from_home(folder: Path) -> str:
    home = Path.home()
    return str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)
