"""The server whose model writes: its address, what it is asked for, and which of its models."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from core.errors import KnownError
from core.runs import wishes
from desktop import user_settings
from desktop.actions import Action
from desktop.background import in_background
from desktop.session import Session
from desktop.widgets.basics import column, label, row
from desktop.widgets.bound import action_button, bind

#: Where the most widely used one listens.
EXAMPLE = "http://127.0.0.1:11434/v1"


class ServerFields(QWidget):
    """`refused` carries why a server could not be asked, and what asks it again."""

    refused = Signal(object, object)

    def __init__(self, session: Session, parent: QWidget, *, address: Action, model: Action, look: Action) -> None:
        super().__init__(parent)
        self.session = session
        self.address = bind(address, QLineEdit(self))
        self.address.setText(user_settings.server())
        self.address.setPlaceholderText(EXAMPLE)
        self.model = bind(model, QComboBox(self))
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.look = action_button(look, self.ask_server)
        self.setLayout(column(
            label("Address of the server", "small"), row(self.address, self.look), label("Its model", "small"),
            self.model,
        ))  # fmt: skip

    def named(self) -> str:
        """The address. Raises `KnownError` where none is typed."""
        if not (typed := self.address.text().strip()):
            raise KnownError(f"Give the address of the server, such as {EXAMPLE}.")
        return typed

    @property
    def model_name(self) -> str:
        """Empty for the only one that it has."""
        return self.model.currentText().strip()

    def remember(self) -> None:
        """Keep what was asked, for the next time."""
        user_settings.set_server(self.address.text().strip())

    def ask_server(self) -> None:
        """Fill the list of models with what the server has."""
        try:
            address = self.named()
            wishes.choose_server(self.session.project, address)
        except KnownError as error:
            self.refused.emit(error, self.ask_server)
            return
        self.look.setEnabled(False)
        in_background(self, lambda: _models(address), self._show_models, self._failed)

    def _show_models(self, names: list[str]) -> None:
        self.look.setEnabled(True)
        typed = self.model.currentText()
        self.model.clear()
        self.model.addItems(names)
        begins = (name for name in names if typed and name.startswith(typed))
        self.model.setCurrentText(typed if typed in names else next(begins, typed or next(iter(names), "")))

    def _failed(self, error: KnownError) -> None:
        self.look.setEnabled(True)
        self.refused.emit(error, self.ask_server)


def _models(address: str) -> list[str]:
    from core.endpoints import keys  # the window's first frame does without the client
    from core.endpoints.address import parse
    from core.endpoints.server import Server

    where = parse(address)
    with Server(where, keys.of(where)) as server:
        return server.models()
