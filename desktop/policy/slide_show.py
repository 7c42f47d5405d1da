"""The slider on the whole screen, in letters that are read from afar. Escape or F5 goes back to the window."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QDialog, QWidget

from desktop.policy.slide_player import SlidePlayer
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import button, column, label, row

#: Letters of the prompt that stands above the answers, and its pixels.
PROMPT, PIXELS = 300, 28


class SlideShow(QDialog):
    """Goes on from where `player` stands, which stands where this one ended."""

    def __init__(self, prompt: str, run: int, player: SlidePlayer, lacks: str) -> None:
        super().__init__(player.window())
        self.setWindowTitle(f"Run {run}, step by step")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.origin, self.player = player, SlidePlayer(large=True)
        self.prompt = label(prompt if len(prompt) <= PROMPT else f"{prompt[:PROMPT]} …", wrap=True)
        self.prompt.setStyleSheet(f"font-size: {theme.sized(PIXELS)}px; font-weight: 600;")
        self.back = button("Close", self.close, tip="Back to the window (Escape)", default=False)
        head = row(self.prompt, self.back, spacing=4 * SPACE)
        head.setStretch(0, 1)
        head.setAlignment(self.back, Qt.AlignmentFlag.AlignTop)
        page = column(head, self.player, spacing=3 * SPACE)
        page.setStretch(1, 1)
        page.setContentsMargins(6 * SPACE, 5 * SPACE, 6 * SPACE, 4 * SPACE)
        self.setLayout(page)
        for keys in ("F5", "Shift+F5"):
            QShortcut(QKeySequence(keys), self, self.close)
        for mine, theirs in self._shared():
            mine.setCurrentIndex(theirs.currentIndex())
        self.player.loop.setChecked(player.loop.isChecked())
        self.player.show_slides(player.slides, lacks, player.slider.value())
        player.stop()
        self.finished.connect(self._give_back)
        self.player.slider.setFocus()

    def _shared(self) -> tuple[tuple[QComboBox, QComboBox], ...]:
        return (
            (self.player.view.colour, self.origin.view.colour),
            (self.player.speed, self.origin.speed),
        )

    def _give_back(self) -> None:
        self.player.stop()
        for mine, theirs in self._shared():
            theirs.setCurrentIndex(mine.currentIndex())
        self.origin.loop.setChecked(self.player.loop.isChecked())
        self.origin.slider.setValue(self.player.slider.value())


def present(parent: QWidget, prompt: str, run: int, player: SlidePlayer, lacks: str) -> SlideShow:
    """Show it on the whole screen."""
    show = SlideShow(prompt, run, player, lacks)
    show.resize(parent.window().size())
    show.showFullScreen()
    return show
