"""What is typed and cannot be written: it is said where it is typed, held where its field shows something else by now,
and asked about before it would be lost."""

from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop.widgets import message_boxes
from desktop.widgets.basics import set_role
from desktop.widgets.drafts import Throttle
from desktop.widgets.strangers import Label

#: Each with why.
NOT_WRITTEN = "Not written yet: {} Keep a copy of what you type here until this line is gone."
BESIDE = (
    "Something else was typed here in another window. Both are kept: one is here when the project is opened next, the "
    "other once that is done with."
)
HELD = "What you typed for another prompt is not written yet: {} It is held as long as this window is open."
LOST = "What you typed cannot be written"
LOSES = "{} Closed now, it is lost: copy it first, or go on once it can be written."


class NotWritten(Label):
    """Says so while what is typed cannot be written, and why; and that it is written beside another window's."""

    def __init__(self, throttle: Throttle, parent: QWidget | None = None, sentence: str = NOT_WRITTEN) -> None:
        super().__init__("", parent)
        self.setWordWrap(True)
        self._throttle, self._sentence = throttle, sentence
        throttle.tried.connect(self._tell)
        self.hide()

    def _tell(self) -> None:
        failed = self._throttle.failed
        set_role(self, "error" if failed else "warning")
        self.setText(self._sentence.format(self._throttle.why) if failed else BESIDE)
        self.setVisible(failed or self._throttle.beside())


class Held:
    """Texts whose fields show something else by now, each with what writes it: tried again until it is written."""

    def __init__(self, parent: QWidget) -> None:
        self._texts: dict[Hashable, tuple[Any, Callable[[], object]]] = {}
        self.throttle = Throttle(parent, self._write)

    @property
    def texts(self) -> dict[Any, Any]:
        return {key: text for key, (text, _) in self._texts.items()}

    def hold(self, key: Hashable, text: Any, write: Callable[[], object]) -> None:
        self._texts[key] = text, write
        self.throttle.touch()

    def take(self, key: Hashable) -> Any:
        """What is held there, which is for the caller to write from now on; None for nothing."""
        found = self._texts.pop(key, None)
        if not self._texts:
            self.throttle.rest()
        return found[0] if found is not None else None

    def _write(self) -> None:
        for key, (_, write) in list(self._texts.items()):
            write()
            del self._texts[key]


def ask_to_lose(parent: QWidget, then: Callable[[], object]) -> bool:
    """Is there something below `parent` that cannot be written even now? Then it is asked about, and `then` called
    once somebody gives it up."""
    throttles = parent.findChildren(Throttle)
    for throttle in throttles:
        throttle.flush()
    failed = [throttle for throttle in throttles if throttle.failed]
    if not failed:
        return False

    def give_up() -> None:
        for throttle in failed:
            throttle.rest()
        then()

    message_boxes.ask(parent, LOST, LOSES.format(failed[0].why), "Close without it", give_up, no="Go on")
    return True
