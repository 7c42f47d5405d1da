"""A card of tabs whose pages can be folded away, so that what stands above has the room; it is remembered."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSizePolicy, QStackedWidget, QTabWidget, QToolButton, QWidget

from desktop import user_settings
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, row
from desktop.widgets.growing import keep_size

QWIDGETSIZE_MAX = 16_777_215
#: What a table and the text of its row need.
LOWEST = 210


class FoldingCard(QFrame):
    """`beside` stands in the line of the tabs. Whoever chooses a tab sees its page again."""

    def __init__(self, pages: QTabWidget, beside: QWidget, name: str) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._pages, self._name = pages, name
        pages.setProperty("role", "card")
        stack = pages.findChild(QStackedWidget)
        assert stack is not None
        self._stack = stack
        self.toggle = QToolButton()
        self.toggle.setProperty("role", "more")
        keep_size(self.toggle, 24)
        self.toggle.clicked.connect(lambda: self.fold(not self.folded))
        corner = QWidget()
        inner = row(beside, self.toggle, spacing=SPACE)
        inner.setContentsMargins(0, 0, 0, SPACE // 2)  # in one line with the words of the tabs
        corner.setLayout(inner)
        pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        pages.setCornerWidget(corner, Qt.Corner.TopRightCorner)
        pages.currentChanged.connect(self._turned)
        pages.tabBarClicked.connect(lambda _: self.fold(False))
        self._inner = column(pages)
        self.setLayout(self._inner)
        self._show(user_settings.card_folded(name))
        theme.notifier.changed.connect(self._again)

    @property
    def folded(self) -> bool:
        return self._stack.isHidden()

    def fold(self, on: bool) -> None:
        if on != self.folded:
            user_settings.set_card_folded(self._name, on)
            self._show(on)

    def _again(self) -> None:
        """Text has another size."""
        self._show(self.folded)

    def _turned(self) -> None:
        """Another page may need more room."""
        self.fold(False)
        self._show(False)

    def _show(self, folded: bool) -> None:
        """Folded, the card is as high as its tabs."""
        self._stack.setVisible(not folded)
        bar = max(self._pages.tabBar().sizeHint().height(), self.toggle.height())
        self._pages.setMaximumHeight(bar if folded else QWIDGETSIZE_MAX)
        page = self._stack.currentWidget()
        needed = bar + SPACE // 2 + (page.minimumSizeHint().height() if page is not None else 0)
        self._pages.setMinimumHeight(bar if folded else max(theme.widened(LOWEST), needed))
        vertical = QSizePolicy.Policy.Fixed if folded else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self._inner.setContentsMargins(SPACE + 4, SPACE // 2, SPACE + 4, 0 if folded else SPACE + 4)
        self.toggle.setText("▴" if folded else "▾")
        what = "Show the pages below" if folded else "Fold the pages away, so that the charts are larger"
        self.toggle.setToolTip(what)
        self.toggle.setAccessibleName(what)
