"""A text that is edited keeps the line ends and blanks that nobody touched."""

import pytest

from desktop.widgets.line_ends import restored
from desktop.widgets.strangers import Editing

TEXTS = ["", "a", "  a \n", "a\r\nb\r\n", "a\rb\n\r\nc", "\n\n", "a\u2028b\u2029c", "a\u00a0b\tc", "\r\n a\n"]


@pytest.mark.parametrize("text", TEXTS, ids=map(repr, TEXTS))
def test_what_is_put_in_and_not_touched_comes_back(qtbot, text):
    field = Editing()
    qtbot.addWidget(field)
    field.setPlainText(field.fitted(text))
    assert field.text() == text


@pytest.mark.parametrize(
    ("typed", "original", "found"),
    [
        ("a\nB\nc", "a\r\nb\r\nc", "a\r\nB\r\nc"),
        ("a\nnew\nb\nc", "a\r\nb\nc", "a\r\nnew\r\nb\nc"),
        ("x", "a\r\nb", "x"),
        ("x\ny", "a", "x\ny"),
        ("a\n", "a", "a\n"),
        ("a\n\nb", "a\r\nb", "a\r\n\r\nb"),
        ("b", "a\r\nb", "b"),
        ("a\na\na", "a\ra", "a\ra\ra"),
    ],
)
def test_line_ends_of_what_was_changed_are_those_of_the_rest(typed, original, found):
    assert restored(typed, original) == found
