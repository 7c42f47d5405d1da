"""What was typed before and is too long to be put back: that it is still there, and how it is had as a file."""

from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFrame

from core.errors import BadInput, known
from core.store.files import beside
from desktop.background import in_background
from desktop.widgets import file_dialogs
from desktop.widgets.basics import button, column, label, row, set_role
from desktop.widgets.drafts import Draft


class LeftBehind(QFrame):
    """Hidden where nothing is left behind of `draft`. `name` is what the file would be called."""

    def __init__(self, draft: Draft, name: str) -> None:
        super().__init__()
        self._draft, self._name = draft, name
        self.said = label("", "warning", wrap=True)
        tip = "It is kept in the project until it is in a file."
        self.save_button = button("Save it as a file …", self.ask, tip=tip)
        self.setLayout(column(self.said, row(self.save_button, None)))
        letters = len(draft.left_behind)
        if letters:
            self.said.setText(
                f"What you typed here before is too long to be put back ({letters:,} letters): it stays in the project "
                "until you save it as a file."
            )
        else:
            self.hide()

    def ask(self) -> None:
        """Choose a file for it."""
        file_dialogs.ask_save(self, "Save what was typed to", f"{self._name}.txt", self.write, "Texts (*.txt)", "txt")

    def write(self, path: Path) -> None:
        """Write it to `path`; once it is there, the project forgets it."""
        work = partial(_write, path, self._draft.left_behind)
        in_background(self, work, lambda _: self._written(path))

    def _written(self, path: Path) -> None:
        self._draft.forget_left_behind()
        self.save_button.hide()
        self.said.setText(f"What was too long to be put back is in {path.name} now.")
        set_role(self.said, "good")


def _write(path: Path, text: str) -> None:
    try:
        with beside.file(path) as made:
            made.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    except OSError as error:
        raise known(error) or BadInput(f"{path} cannot be written: choose another place.") from error
