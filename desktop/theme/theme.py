"""One look: colours, spacing and type as tokens, a palette and a style sheet made from them, light and dark.

Charts and cards take their colours from `current()` and repaint when `notifier.changed` fires. Text on its
ground has a contrast of at least 4.5 to 1 (WCAG AA); series are Okabe and Ito's colours, which people with
colour blindness can tell apart, the last one near black or white as theirs.
"""

import re
from dataclasses import dataclass
from weakref import WeakSet

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QLayout, QWidget
from shiboken6 import isValid

from core.resources import resource

SPACE = 8
SMALL, BODY, HEADING, TITLE = 12, 14, 17, 24
#: Borders up to so many pixels are lines.
THIN = 2


@dataclass(frozen=True)
class Theme:
    name: str
    ground: str  # behind everything
    surface: str  # cards, fields
    raised: str  # hovered, selected softly
    line: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str  # selected rows and tabs
    good: str
    warning: str
    danger: str
    series: tuple[str, ...]


LIGHT = Theme(
    name="light",
    ground="#f6f5f2",
    surface="#ffffff",
    raised="#efeee9",
    line="#dcdad3",
    text="#1e2227",
    muted="#5f656d",
    accent="#2f5fb3",
    accent_hover="#244d94",
    on_accent="#ffffff",
    accent_soft="#e3ebf8",
    good="#1d7a4c",
    warning="#8a5a00",
    danger="#b3261e",
    series=("#0072b2", "#d55e00", "#007a5a", "#a5527f", "#8a6d00", "#30353b"),
)
DARK = Theme(
    name="dark",
    ground="#16181c",
    surface="#1f2227",
    raised="#292d34",
    line="#3a3f47",
    text="#e9eaec",
    muted="#a3a9b2",
    accent="#8ab0f5",
    accent_hover="#a9c5fa",
    on_accent="#10151d",
    accent_soft="#263550",
    good="#5fce9a",
    warning="#e8b54d",
    danger="#ff8f85",
    series=("#56b4e9", "#e69f00", "#3ecfa0", "#e08fc0", "#f0e442", "#d9dce1"),
)


#: The first so many series are a run's own curves.
OWN = 2
OVERLAY_COLOURS = len(LIGHT.series) - OWN


class Notifier(QObject):
    changed = Signal()
    """The colours are others now: whatever painted with them paints again."""


notifier = Notifier()
_current = LIGHT
_mode = "system"
_larger = 0
_scale = 1.0
_dressed: WeakSet[QWidget] = WeakSet()


def current() -> Theme:
    return _current


def overlay_colour(number: int) -> str:
    """The colour of the n-th run that is laid over another: none of the run's own."""
    return _current.series[OWN + number % OVERLAY_COLOURS]


def sized(pixels: int) -> int:
    """A size of text as the person wants it."""
    return enlarged(pixels + _larger)


def widened(pixels: int) -> int:
    """A width that grows with the text in it."""
    return round(pixels * sized(BODY) / BODY)


def enlarged(pixels: int) -> int:
    """A size that goes along with nothing but how much larger everything is before a room."""
    return round(pixels * _scale)


def scale() -> float:
    """How many times as large as usual everything is, for those who sit far away."""
    return _scale


def enlarge(app: QApplication, times: float) -> None:
    """Make text and controls so many times as large as usual."""
    global _scale
    if times != _scale:
        _scale = times
        apply(app, _mode)


def apply(app: QApplication, mode: str, body: int | None = None) -> None:
    """Use the theme `light`, `dark`, or what the system prefers; from now on with text of `body` pixels, if given."""
    global _current, _larger, _mode
    _mode = mode
    if body is not None:
        _larger = body - BODY
    dark = mode == "dark" or (mode == "system" and app.styleHints().colorScheme() == Qt.ColorScheme.Dark)
    _current = DARK if dark else LIGHT
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(_current))
    font = QFont(app.font())
    font.setPixelSize(sized(BODY))
    app.setFont(font)
    for window in filter(isValid, list(_dressed)):
        window.setStyleSheet(_style(_current))
    notifier.changed.emit()
    for window in filter(isValid, list(_dressed)):
        for layout in window.findChildren(QLayout):
            layout.invalidate()  # of a page that is hidden it would keep what larger letters took


def dress(window: QWidget) -> None:
    """Give a window the look, with all that is put into it and the dialogs above it.

    A style sheet of the whole application would ask for the look of a widget each time that what holds it is put into
    something else, while a page is built: three times as long as the page itself.
    """
    _dressed.add(window)
    window.setStyleSheet(_style(_current))


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, theme.ground),
        (roles.Base, theme.surface),
        (roles.AlternateBase, theme.ground),
        (roles.Button, theme.surface),
        (roles.Text, theme.text),
        (roles.WindowText, theme.text),
        (roles.ButtonText, theme.text),
        (roles.ToolTipBase, theme.raised),
        (roles.ToolTipText, theme.text),
        (roles.Highlight, theme.accent),
        (roles.HighlightedText, theme.on_accent),
        (roles.Link, theme.accent),
        (roles.PlaceholderText, theme.muted),
        (roles.Mid, theme.line),
        (roles.Accent, theme.accent),
    ):
        palette.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return palette


def _style(t: Theme) -> str:
    arrow = (resource("icons") / f"chevron-{t.name}.svg").as_posix()
    check = (resource("icons") / f"check-{t.name}.svg").as_posix()
    sheet = f"""
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 6px; }}
QMainWindow, QDialog {{ background: {t.ground}; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {_wanted(TITLE)}px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: {_wanted(HEADING)}px; font-weight: 600; }}
QLabel[role="subheading"] {{ font-weight: 600; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="small"] {{ color: {t.muted}; font-size: {_wanted(SMALL)}px; }}
QLabel[role="number"] {{ font-size: {_wanted(TITLE)}px; font-weight: 600; }}
QLabel[role="error"] {{ color: {t.danger}; }}
QLabel[role="warning"] {{ color: {t.warning}; }}
QLabel[role="good"] {{ color: {t.good}; font-weight: 600; }}
QFrame[role="card"], QWidget[role="card"] {{
    background: {t.surface}; border: 1px solid {t.line}; border-radius: 8px; }}
QFrame[role="notice"] {{ background: {t.raised}; border: 1px solid {t.muted}; border-radius: 8px; }}
QFrame[role="callout"] {{ background: {t.surface}; border: 2px solid {t.accent}; border-radius: 8px; }}
QFrame[role="foot"] {{ background: {t.surface}; border: none; border-top: 2px solid {t.accent}; }}
QFrame[role="replay"] {{ background: {t.accent_soft}; border: 1px solid {t.accent}; border-radius: 8px; }}
QFrame[role="sidebar"] {{ background: {t.raised}; border: none; border-right: 1px solid {t.line}; }}
QFrame[role="bar"] {{ background: {t.surface}; border: none; border-top: 1px solid {t.line}; }}
QFrame[role="rule"] {{ background: {t.line}; border: none; max-height: 1px; min-height: 1px; }}
QPushButton {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 6px; padding: 5px 14px;
    color: {t.text}; min-height: 18px; }}
QPushButton:hover {{ background: {t.raised}; }}
QPushButton[role="point"] {{ background: transparent; border: none; padding: 3px 2px; text-align: left;
    color: {t.text}; min-height: 16px; }}
QPushButton[role="point"]:hover, QPushButton[role="point"]:focus {{ color: {t.accent}; text-decoration: underline; }}
QPushButton[role="point"]:focus {{ padding: 1px 0; }}
QPushButton:pressed {{ background: {t.line}; }}
QPushButton:disabled {{ color: {t.muted}; background: {t.ground}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent}; border: 1px solid {t.accent};
    font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: {t.accent_hover}; }}
QPushButton[role="primary"]:disabled {{ background: {t.raised}; color: {t.muted}; border-color: {t.line}; }}
QPushButton[role="link"] {{ background: transparent; border: none; color: {t.accent}; padding: 4px 2px;
    text-align: left; }}
QPushButton[role="link"]:hover {{ text-decoration: underline; }}
QPushButton[role="help"] {{ padding: 5px 0; min-width: {_wide(28)}px; max-width: {_wide(28)}px; }}
QPushButton:focus, QToolButton:focus {{ border: 2px solid {t.accent}; outline: 0; }}
QPushButton:focus {{ padding: 4px 13px; }}
QPushButton[role="help"]:focus {{ padding: 4px 0; min-width: {_wide(26)}px; max-width: {_wide(26)}px; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {t.text}; }}
QPushButton[role="link"]:focus {{ border: 1px solid {t.accent}; border-radius: 4px; padding: 3px 1px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 6px; }}
QToolButton:hover {{ background: {t.raised}; }}
QToolButton:focus {{ padding: 5px; }}
QToolButton[role="more"], QToolButton[role="close"] {{ padding: 0; color: {t.muted}; font-weight: 600; }}
QToolButton[role="more"]:disabled {{ color: {t.line}; }}
QToolButton[role="more"]::menu-indicator {{ image: none; width: 0; }}
QToolButton[role="tab"] {{ text-align: left; padding: 9px 12px; font-size: {_wanted(BODY)}px; color: {t.text}; }}
QToolButton[role="tab"]:focus {{ padding: 8px 11px; }}
QToolButton[role="tab"]:hover {{ background: {t.line}; }}
QToolButton[role="tab"]:checked {{ background: {t.accent_soft}; color: {t.accent}; font-weight: 600; }}
QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser, QSpinBox, QDoubleSpinBox, QComboBox, QListView, QTreeView,
QTableView {{ background: {t.surface}; border: 1px solid {t.line}; border-radius: 6px; color: {t.text};
    selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ padding: 4px 8px; min-height: 20px; }}
QLineEdit, QPlainTextEdit, QTextEdit, QTextBrowser {{ placeholder-text-color: {t.muted}; }}
QPlainTextEdit, QTextEdit, QTextBrowser {{ padding: 6px; }}
QListView, QTreeView, QTableView {{ padding: 1px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
QListView:focus, QTableView:focus, QTextBrowser:focus, QTreeView:focus {{ border: 2px solid {t.accent}; }}
QListView:focus, QTreeView:focus, QTableView:focus {{ padding: 0; }}
QDoubleSpinBox[role="invalid"] {{ border-color: {t.danger}; color: {t.danger}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url({arrow}); width: 14px; height: 14px; }}
QComboBox QAbstractItemView {{ border: 1px solid {t.line}; padding: 4px; }}
QComboBox QAbstractItemView:focus {{ padding: 4px; }}
QListView::item {{ padding: 7px 8px; border-radius: 4px; }}
QListView::item:selected, QTableView::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
QListView::item:hover {{ background: {t.raised}; }}
QAbstractItemView {{ outline: 0; }}
QTableView {{ gridline-color: {t.line}; alternate-background-color: {t.ground}; }}
QTableView::item {{ padding: 4px 8px; }}
QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none; border-bottom: 1px solid {t.line};
    padding: 6px 11px; font-size: {_wanted(SMALL)}px; }}
QTableCornerButton::section {{ background: {t.surface}; border: none; }}
QProgressBar {{ background: {t.raised}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QTabWidget::pane {{ border: none; }}
QTabBar::tab {{ background: transparent; color: {t.muted}; padding: 8px 14px; border: none;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; font-weight: 600; }}
QTabWidget[role="card"] QTabBar::tab {{ padding: 8px 10px; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget {{ background: transparent; }}
QSplitter::handle {{ background: transparent; border-radius: 3px; }}
QSplitter::handle:hover {{ background: {t.line}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMessageBox QLabel#qt_msgbox_informativelabel {{ min-width: {_wide(360)}px; }}
QMessageBox QLabel#qt_msgbox_label {{ font-size: {_wanted(HEADING)}px; font-weight: 600; }}
QMenuBar {{ background: {t.ground}; }}
QMenuBar::item {{ padding: 6px 10px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {t.raised}; }}
QMenu {{ background: {t.surface}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 16px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
QSlider:horizontal {{ min-height: 20px; }}
QSlider::groove:horizontal {{ height: 4px; background: {t.line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -6px 0; border-radius: 8px; background: {t.surface};
    border: 2px solid {t.accent}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {t.accent}; }}
QCheckBox, QRadioButton {{ spacing: 8px; background: transparent; }}
QCheckBox::indicator, QListView::indicator, QTableView::indicator, QTreeView::indicator {{
    width: 16px; height: 16px; border: 1px solid {t.muted}; border-radius: 4px;
    background: {t.surface}; }}
QCheckBox::indicator:checked, QListView::indicator:checked, QTableView::indicator:checked,
QTreeView::indicator:checked {{
    background: {t.accent}; border-color: {t.accent}; image: url({check}); }}
QCheckBox::indicator:disabled {{ border-color: {t.line}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 3px; min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
    return sheet if _scale == 1 else re.sub(r"\b(\d+)px", lambda found: f"{_thick(int(found[1]))}px", sheet)


def _thick(pixels: int) -> int:
    """Lines stay as thin as they are, all else is larger."""
    return pixels if pixels <= THIN else enlarged(pixels)


def _wanted(pixels: int) -> int:
    return pixels + _larger


def _wide(pixels: int) -> int:
    return round(pixels * _wanted(BODY) / BODY)
