"""An answer of the slider: at which step, its reward, KL and length, and its text with what is new in it marked, or
each token on the colour of its KL, value or advantage."""

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from core.preferences.differences import comparable
from core.runs.slides import Slide
from core.texts import beginning, visible
from desktop.theme import theme
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row
from desktop.widgets.elided import OneLine
from desktop.widgets.strangers import Reading, wrapping
from desktop.widgets.token_colours import PIECES, coloured

NEW, NOTHING = "new", ""
#: What a text may be coloured by, with what the colours mean.
COLOURS = {
    NEW: ("What is new", "Marked is what the answer of the step before has not."),
    "kl": ("KL", "Nats by which a token is likelier than under the reference: blue more likely, orange less likely."),
    "value": ("Value", "The reward that is expected when a token is about to be written: blue above 0, orange below."),
    "advantage": ("Advantage", "How much better than expected it went on with a token: blue better, orange worse."),
    NOTHING: ("Nothing", ""),
}  # fmt: skip
#: The end token and others without a text.
END = "∎"
#: Pixels of the figures and the legend, in the page and before a room.
FIGURES, LEGEND = (14, 26), (12, 18)
#: What is said where an answer is too unlike the one before for its words to be compared.
OTHER = "Nothing is marked: the answer is another one as a whole than that of the step before, or repeats itself."
#: Pixels of the text in the page, at least so many of its lines; and before a room, where the longest of the answers
#: has at most so many letters.
TEXT, LINES, ROOM = 16, 2, ((350, 46), (900, 34), (2500, 26))


class SlideView(QWidget):
    """`large` is for those who sit far away; else whoever shows it has `colour` stand where there is room."""

    def __init__(self, *, large: bool = False) -> None:
        super().__init__()
        self._slides: Sequence[Slide] = ()
        self._slide: Slide | None = None
        self._lacks = ""
        self._large = large
        self.when = label("", "number" if large else "heading")
        self.figures = OneLine()
        self.text = Reading()
        self.text.setAccessibleName("The answer at this step")
        self.text.setTabChangesFocus(True)
        self.colour = QComboBox()
        self.colour.setAccessibleName("Colour of the answer's words")
        self.colour.setToolTip("What the words of the answer are coloured by")
        for name, (title, _) in COLOURS.items():
            self.colour.addItem(f"Colour: {title.lower() if title != 'KL' else title}", name)
        self.colour.currentIndexChanged.connect(lambda _: self._paint())
        self.legend = label("", "muted" if large else "small", wrap=True)
        self.figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # rather cut than too wide
        head = row(self.when, self.figures, spacing=(4 if large else 2) * SPACE)
        head.setStretch(1, 1)
        if large:
            head.addWidget(self.colour)
        body = column(head, self.text, self.legend, spacing=2 * SPACE if large else SPACE // 2)
        body.setStretch(1, 1)
        self.setLayout(body)
        self.clear()
        self._dress()
        theme.notifier.changed.connect(self._dress)

    def _dress(self) -> None:
        self.when.setStyleSheet(f"font-size: {self._pixels(FIGURES) + 4}px; font-weight: 600;")
        self.figures.setStyleSheet(f"font-size: {self._pixels(FIGURES)}px;")
        self.legend.setStyleSheet(f"font-size: {self._pixels(LEGEND)}px;")
        self.text.setMinimumHeight(round(LINES * 1.4 * theme.sized(TEXT)) + 4 * SPACE)
        self._paint()

    def _pixels(self, sizes: tuple[int, int]) -> int:
        return theme.sized(sizes[self._large])

    def _text_pixels(self) -> int:
        longest = max((len(each.text) for each in self._slides), default=0)
        large = next((pixels for letters, pixels in ROOM if longest <= letters), TEXT + 4)
        return theme.sized(large if self._large else TEXT)

    @property
    def colouring(self) -> str:
        return str(self.colour.currentData())

    def clear(self) -> None:
        self.show_slides((), "")
        self.show_slide(None)

    def show_slides(self, slides: Sequence[Slide], lacks: str) -> None:
        """All that will be shown: one scale of colours is for all of them. `lacks` says what is not known of tokens."""
        self._slides, self._lacks = slides, lacks

    def show_slide(self, slide: Slide | None) -> None:
        self._slide = slide
        self.when.setText(slide.when if slide else "")
        self.figures.setText(figures(slide) if slide else "")
        self._paint()

    def _paint(self) -> None:
        slide, name = self._slide, self.colouring
        self.legend.setText(COLOURS[name][1])
        if slide is None:
            self.text.setHtml("")
            return
        numbers = numbers_of(slide, name)
        if numbers is not None and slide.trace is not None:
            strongest = max((abs(x) for each in self._slides for x in numbers_of(each, name) or ()), default=0) or 1.0
            pieces = [piece or END * (place == len(numbers) - 1) for place, piece in enumerate(slide.trace.pieces)]
            some = list(zip(pieces, numbers, strict=True))[:PIECES]
            inner = "".join(coloured(piece, value, strongest) for piece, value in some)
        else:
            inner = _marked(slide, name == NEW)
            if name == NEW and self._is_another(slide):
                self.legend.setText(OTHER)
            if name not in (NEW, NOTHING):
                self.legend.setText(self._why_not(slide, name))
        self.text.setWordWrapMode(wrapping(slide.text))
        size = self._text_pixels()
        self.text.setHtml(f'<p style="font-size: {size}px; line-height: 140%; white-space: pre-wrap">{inner}</p>')
        self.text.setAlignment(Qt.AlignmentFlag.AlignLeft)

    def _is_another(self, slide: Slide) -> bool:
        """Is the answer before it so unlike that nothing in this one is marked?"""
        place = next((n for n, each in enumerate(self._slides) if each is slide), 0)
        return place > 0 and not comparable(self._slides[place - 1].text, slide.text)

    def _why_not(self, slide: Slide, name: str) -> str:
        """Why the tokens have no such number here."""
        if slide.trace is None:
            return "Numbers of single tokens are known of answers written for the slider: let it be answered anew."
        if slide.step == 0:
            return "Before the first step no value was learnt yet." if name != "advantage" else "It is not known yet."
        return self._lacks or "The answer has no reward, so that this is not known."


def figures(slide: Slide) -> str:
    """Reward, KL and length in a line."""
    found = [] if slide.score is None else [f"Reward {slide.score:+.2f}"]
    found += [] if slide.gold is None or slide.gold == slide.score else [f"Gold {slide.gold:+.2f}"]
    found += [] if slide.kl is None else [f"KL {slide.kl:.2f} nats"]
    return "   ".join([*found, f"{slide.tokens} token{'s' * (slide.tokens != 1)}"])


def numbers_of(slide: Slide, name: str) -> tuple[float, ...] | None:
    """Of each of its tokens, None where they are not known."""
    trace = slide.trace
    return None if trace is None else {"kl": trace.kl, "value": trace.value, "advantage": trace.advantage}.get(name)


def _marked(slide: Slide, marks: bool) -> str:
    """The text as HTML, cut where it is very long."""
    text, place, parts = beginning(slide.text), 0, []
    colour = QColor(theme.current().series[0])
    ground = f"rgba({colour.red()}, {colour.green()}, {colour.blue()}, 28%)"
    for start, end in slide.fresh if marks else ():
        parts.append(_html(text[place:start]))
        parts.append(f'<span style="background-color: {ground}">{_html(text[start:end])}</span>')
        place = end
    return "".join([*parts, _html(text[place:])])


def _html(text: str) -> str:
    return escape(visible(text)).replace("\n", "<br>")
