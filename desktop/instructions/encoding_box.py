"""In which encoding a file is read: found out, guessed and said, or chosen."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from desktop.widgets.basics import turn_only_with_focus

FOUND = "Encoding as found"
#: What files of older programs are in, by what it is called and by what Python calls it.
USUAL = (
    ("UTF-8", "utf-8"), ("UTF-16", "utf-16"), ("Western (Windows-1252)", "cp1252"), ("Western (Latin-1)", "latin-1"),
    ("Central European (Windows-1250)", "cp1250"), ("Cyrillic (Windows-1251)", "cp1251"),
    ("Cyrillic (KOI8-R)", "koi8-r"), ("Greek (Windows-1253)", "cp1253"), ("Turkish (Windows-1254)", "cp1254"),
    ("Hebrew (Windows-1255)", "cp1255"), ("Arabic (Windows-1256)", "cp1256"), ("Japanese (Shift JIS)", "cp932"),
    ("Chinese (GB 18030)", "gb18030"), ("Chinese (Big5)", "big5"), ("Korean (EUC-KR)", "cp949"),
    ("Mac Roman", "mac-roman"),
)  # fmt: skip


class EncodingBox(QComboBox):
    """`picked` carries a name that Python knows an encoding by; empty is what is found in the file."""

    picked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Encoding of the file")
        self.setToolTip("In which encoding its texts are; look whether the letters are right.")
        self.addItem(FOUND, "")
        for title, name in USUAL:
            self.addItem(title, name)
        self.activated.connect(lambda: self.picked.emit(str(self.currentData())))
        turn_only_with_focus(self)

    def show_encoding(self, name: str) -> None:
        """Show what the file was read in."""
        self.setCurrentIndex(max(0, self.findData(name)))
