"""Help inside the window: pages of the guide (Markdown in `resources/guide`), and what this program is."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QMessageBox, QTextBrowser, QVBoxLayout, QWidget

from core.machine import base_models
from core.resources import resource
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets import message_boxes
from desktop.widgets.basics import column, side_panel, without_icons
from desktop.widgets.markdown_view import give_room, html_of, style

#: The pages of the guide, by file, as the menu names them.
PAGES = {
    "rlhf": "What &RLHF is",
    "loop": "The &loop in five steps",
    "installing": "&Installing, and what lies where",
    "labeling": "Labelin&g",
    "reward": "The reward &model",
    "policy": "Tuning the &policy",
    "machines": "What &fits, and several processes",
    "models": "&Which models work",
    "settings": "&Settings and the system view",
    "safety": "What is saf&e",
    "comparison": "&Beside Argilla and Label Studio",
}
PICTURE_WIDTH = 760
#: Pages beside which figures stand that can be moved.
WITH_FIGURES = ("rlhf",)
FIGURES_WIDTH = 360


class Pages(QTextBrowser):
    """The guide's pages, which link to each other; pictures are no wider than the text."""

    def __init__(self) -> None:
        super().__init__()
        self.sourceChanged.connect(self._space)
        theme.notifier.changed.connect(self._repaint)
        self.document().setDefaultStyleSheet(style())

    def _space(self, source: QUrl) -> None:
        give_room(self.document())
        if source.hasFragment():
            self.scrollToAnchor(source.fragment())  # what is above it has grown

    def _repaint(self) -> None:
        self.document().setDefaultStyleSheet(style())
        self.reload()

    def doSetSource(
        self, name: QUrl | str, /, type: QTextDocument.ResourceType = QTextDocument.ResourceType.UnknownResource
    ) -> None:
        super().doSetSource(name, QTextDocument.ResourceType.HtmlResource)  # as which `loadResource` gives it

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        path = Path(self.source().resolved(QUrl(name)).toLocalFile()).resolve()
        if not path.is_relative_to(resource("guide").resolve()):
            return QByteArray()  # it has pages and pictures of its own and no others
        if kind == QTextDocument.ResourceType.HtmlResource.value:
            return html_of(path.read_text(encoding="utf-8"), trusted=True)
        picture = QImage(str(path))
        if picture.width() <= PICTURE_WIDTH:
            return picture
        return picture.scaledToWidth(PICTURE_WIDTH, Qt.TransformationMode.SmoothTransformation)


def show(page: str, parent: QWidget) -> QDialog:
    """Open `resources/guide/PAGE.md` beside the work, without waiting for it to close."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Plumbline guide")
    dialog.resize(FIGURES_WIDTH + 860 if page in WITH_FIGURES else 860, 720)
    text = Pages()
    text.setAccessibleName("Guide")
    text.setOpenExternalLinks(True)
    path = QUrl.fromLocalFile(str(resource("guide") / f"{page}.md"))
    text.setSource(path)
    text.document().setDocumentMargin(2 * SPACE)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    without_icons(buttons)
    buttons.rejected.connect(dialog.close)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
    middle = QHBoxLayout()
    middle.setSpacing(2 * SPACE)
    middle.addWidget(text, 1)
    layout.addLayout(middle, 1)
    layout.addWidget(buttons)
    if page in WITH_FIGURES:
        middle.addWidget(_figures(page))
    dialog.show()
    return dialog


def _figures(page: str) -> QWidget:
    """The figures beside a page, which scroll on their own."""
    from desktop.guide.figures import FIGURES  # draws with pyqtgraph, which the first frame does without

    found = side_panel(column(*(make() for make in FIGURES[page]), None), FIGURES_WIDTH)
    found.setAccessibleName("Figures to be moved")
    return found


def about(parent: QWidget) -> QMessageBox:
    """The version, the licence and where the files are."""
    try:
        number = version("plumbline")
    except PackageNotFoundError:
        number = "not installed"
    about = (
        "Aligns a language model with human preferences, on one workstation. Licence: Apache-2.0.\n\n"
        f"Models, the demo and new projects lie in {base_models.data_folder()}."
    )
    return message_boxes.show(message_boxes.box(parent, f"Plumbline {number}", about))
