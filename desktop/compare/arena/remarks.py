"""Comments on questions, which go along with the votes: on disk while they are typed, each with its pair of answers."""

from PySide6.QtWidgets import QLineEdit, QWidget

from core.store import Project
from core.store.typed import Typed
from desktop.compare.arena.voting import Pair
from desktop.widgets.drafts import Throttle, typing_goes_on

#: The project's setting: what is typed and not voted with yet, by the pair.
DRAFT = "draft/arena"


class Remarks:
    """`field` is where one is typed; it shows what was typed on the pair that is asked about."""

    def __init__(self, project: Project, field: QLineEdit, parent: QWidget) -> None:
        self._typed, self.field = Typed(project, DRAFT), field
        self._texts: dict[str, str] = self._typed.read(_are_remarks) or {}
        self._key = ""
        self.throttle = Throttle(parent, self._write)
        field.textEdited.connect(self._type)

    @property
    def text(self) -> str:
        return self.field.text().strip()

    @property
    def pairs(self) -> list[Pair]:
        """On which something was typed and no vote given."""
        return [frozenset(map(int, key.split("/"))) for key in self._texts]

    def show_pair(self, pair: Pair) -> None:
        """Another question is on the table."""
        self.throttle.flush()
        self._key = "/".join(map(str, sorted(pair)))
        self.field.setText(self._texts.get(self._key, ""))

    def forget(self, pair: Pair) -> None:
        """It is written with the vote."""
        self._texts.pop("/".join(map(str, sorted(pair))), None)
        self.throttle.now()

    def leave(self) -> None:
        """The project is about to close."""
        self.throttle.end()
        with typing_goes_on():
            self._typed.keep_again()

    def _type(self, text: str) -> None:
        if text.strip():
            self._texts[self._key] = text
        else:
            self._texts.pop(self._key, None)
        self.throttle.touch()

    def _write(self) -> None:
        self._typed.keep(dict(self._texts) or None)


def _are_remarks(kept: object) -> bool:
    """A project may come from elsewhere."""
    return isinstance(kept, dict) and all(
        isinstance(text, str) and all(part.isascii() and part.isdecimal() for part in str(key).split("/"))
        for key, text in kept.items()
    )
