"""Every question for a file or a folder, in one place: it begins where the last one was answered."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFileDialog, QToolButton, QWidget

from core.labeling.pack import SUFFIX
from core.labeling.page_answers import SUFFIX as ANSWERS
from desktop import user_settings
from desktop.theme import theme
from desktop.theme.icons import icon
from desktop.widgets.basics import without_icons

#: The buttons of Qt's own dialog, whose arrows are black in any theme.
ICONS = {
    "backButton": "back",
    "forwardButton": "forward",
    "toParentButton": "up",
    "newFolderButton": "new-folder",
    "listModeButton": "list",
    "detailModeButton": "details",
}
PACKS = f"Labeling packs (*{SUFFIX});;All files (*)"
#: What a labeler sends back.
MERGED = f"Labeling packs and answers (*{SUFFIX} *{ANSWERS});;All files (*)"


def ask_open(parent: QWidget | None, title: str, chosen: Callable[[Path], object], kinds: str = "") -> QFileDialog:
    """Ask for a file that is there."""
    dialog = QFileDialog(parent, title, str(user_settings.last_folder()), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _asked(dialog, chosen)


def ask_folder(
    parent: QWidget | None, title: str, chosen: Callable[[Path], object], at: Path | None = None
) -> QFileDialog:
    """Ask for a folder; `at` is where to look first, if that is known."""
    dialog = QFileDialog(parent, title, str(at or user_settings.last_folder()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    return _asked(dialog, chosen)


def ask_save(
    parent: QWidget | None, title: str, name: str, chosen: Callable[[Path], object], kinds: str = "", suffix: str = ""
) -> QFileDialog:
    """Ask where to write a file (or a new folder) called `name`; `suffix` is added where none is typed."""
    dialog = QFileDialog(parent, title, str(user_settings.last_folder() / name), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(name)
    return _asked(dialog, chosen)


def _asked(dialog: QFileDialog, chosen: Callable[[Path], object]) -> QFileDialog:
    def answered(text: str) -> None:
        user_settings.set_last_folder(Path(text).parent)
        chosen(Path(text))

    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(answered)
    without_icons(dialog)
    dialog.open()
    for push in dialog.findChildren(QToolButton):  # none where the system asks in a dialog of its own
        if push.objectName() in ICONS:
            drawn = icon(ICONS[push.objectName()], theme.current().text)
            faint = icon(ICONS[push.objectName()], theme.current().muted)
            drawn.addPixmap(faint.pixmap(40), QIcon.Mode.Disabled)
            push.setIcon(drawn)
    return dialog
