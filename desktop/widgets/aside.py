"""What stands beside that which is shown, such as a form: before a room it is folded away, and comes back after."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class Aside(QObject):
    """Marks a widget, and goes with it. One that is shown only when somebody asks for it can be asked for meanwhile,
    too."""

    def __init__(self, widget: QWidget, *, on_demand: bool = False) -> None:
        super().__init__(widget)
        self.widget, self._on_demand = widget, on_demand
        self.folded = False
        self._hidden = False

    def fold(self) -> None:
        """Hide it, also from a page that would show it meanwhile by itself."""
        if not self.folded:
            self.folded, self._hidden = True, self.widget.isHidden()
            self.widget.hide()
            self.widget.installEventFilter(self)

    def unfold(self) -> None:
        """Show it if it was shown, or would have been meanwhile."""
        if self.folded:
            self.folded = False
            self.widget.removeEventFilter(self)
            self.widget.setHidden(self._hidden)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShowToParent:
            self._hidden = False
            if not self._on_demand:
                self.widget.hide()
        elif event.type() == QEvent.Type.HideToParent and self._on_demand:
            self._hidden = True
        return False


def asides_in(page: QWidget) -> list[Aside]:
    return page.findChildren(Aside)
