"""Markdown to read: what people and models wrote stays text, and nothing is fetched or opened for it."""

from PySide6.QtGui import QTextDocument

from desktop.widgets.markdown_view import MarkdownView, give_room, html_of


def test_formulas_keep_their_backslashes_and_html_stays_text(qtbot) -> None:
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_markdown("# A\n\n**bold** \\(x_1\\) <b>b</b>\n\n```\na\n\nb\n```\n\nend")
    assert view.toPlainText() == "A\nbold \\(x_1\\) <b>b</b>\na\n\nb\nend"
    gaps = [view.document().findBlockByNumber(n).blockFormat().bottomMargin() for n in range(6)]
    assert gaps == [6, 8, 0, 0, 8, 8]


def test_formulas_are_shown_as_they_were_typed_and_stand_out(qtbot) -> None:
    view = MarkdownView()
    qtbot.addWidget(view)
    lines = ["\\[", "\\begin{aligned}", "a_1 &= b*c*d \\\\", "    &= \\{x_1\\}", "\\end{aligned}", "\\]"]
    view.show_markdown("So **$a_1*b*c$** for $5:\n" + "\n".join(lines))
    assert view.toPlainText() == "So $a_1*b*c$ for $5:\n" + "\n".join(lines)
    letters = {part: view.document().find(part).charFormat() for part in ("So", "a_1*b", "begin", "{x_1")}
    assert [part for part, form in letters.items() if form.fontFamilies() == ["monospace"]] == [
        "a_1*b",
        "begin",
        "{x_1",
    ]


def test_as_much_code_is_coloured_as_one_piece_may_have() -> None:
    piece = "```java\n" + "a " * 1500 + "\n```\n\n"
    assert html_of(piece).count("<span") > 1000
    assert html_of(piece * 4).count("<span") == html_of(piece).count("<span")


def test_no_picture_is_read_for_a_text_that_somebody_wrote(qtbot, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(MarkdownView, "loadResource", lambda self, kind, name: asked.append(name))
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_markdown('![x](picture.png) <img src="other.png">')
    view.grab()
    assert asked == []
    assert view.toPlainText() == '!x <img src="other.png">'


def test_room_is_given_to_a_document_however_it_was_made(qtbot) -> None:
    document = QTextDocument()
    document.setMarkdown("a\n\nb")
    give_room(document)
    assert document.firstBlock().blockFormat().bottomMargin() == 8
