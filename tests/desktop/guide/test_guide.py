"""The guide in the window: its contents, a search over all pages, the way back, and links."""

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt, QUrl
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.guide import book, guide
from desktop.theme import theme
from desktop.widgets import markdown_view

Key = Qt.Key
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def ground(qtbot):
    found = QWidget()
    qtbot.addWidget(found)
    theme.dress(found)
    found.show()
    return found


@pytest.fixture
def opened(ground, qtbot):
    found = guide.show("loop", ground)
    found.activateWindow()
    qtbot.waitUntil(found.isActiveWindow)
    return found


def top(window) -> str:
    """The heading that is read."""
    return book.contents(window.pages.page)[window.pages.heading_in_sight()].title


def click(widget, button) -> None:
    """Press and let go a button of the mouse that `QTest` has no name for on every platform."""
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        place = QPointF(20, 20)
        event = QMouseEvent(kind, place, widget.mapToGlobal(place), button, button, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)


def test_the_contents_have_every_page_and_heading_and_lead_there(opened):
    assert list(opened.contents.items) == list(book.PAGES)
    for page, items in opened.contents.items.items():
        assert [item.text(0) for item in items] == [section.title for section in book.contents(page)]
    chosen = next(item for item in opened.contents.items["policy"] if item.text(0) == "The frontier")
    opened.contents.itemActivated.emit(chosen, 0)
    assert (opened.pages.page, top(opened)) == ("policy", "The frontier")
    assert opened.contents.currentItem() is chosen, "what is read is selected"
    opened.pages.verticalScrollBar().setValue(0)
    assert opened.contents.currentItem().text(0) == "Tuning the policy"
    unfolded = [page for page, items in opened.contents.items.items() if items[0].isExpanded()]
    assert unfolded == ["policy"]


@pytest.mark.parametrize("way", ["keys", "mouse", "buttons"])
def test_back_and_forward_lead_to_the_very_place(opened, way):
    ways = {
        "keys": lambda: QTest.keyClick(opened.pages, Key.Key_Left, ALT),
        "mouse": lambda: click(opened.pages.viewport(), Qt.MouseButton.BackButton),
        "buttons": opened.back.click,
    }
    opened.open_at("safety")
    bar = opened.pages.verticalScrollBar()
    bar.setValue(700)
    opened.open_at("policy", "the-frontier")
    ways[way]()
    assert (opened.pages.page, bar.value()) == ("safety", 700)
    onward = {
        "keys": lambda: QTest.keyClick(opened.pages, Key.Key_Right, ALT),
        "mouse": lambda: click(opened.pages.viewport(), Qt.MouseButton.ForwardButton),
        "buttons": opened.forward.click,
    }
    onward[way]()
    assert (opened.pages.page, top(opened)) == ("policy", "The frontier")
    assert opened.back.isEnabled() and not opened.forward.isEnabled()


def test_a_search_over_all_pages_by_keys_alone_marks_what_it_finds(opened, qtbot):
    QTest.keyClick(opened, Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert opened.typed.hasFocus()
    QTest.keyClicks(opened.typed, "best OF n")
    assert opened.results.isVisible() and not opened.contents.isVisible()
    hits = [opened.results.item(row).data(Qt.ItemDataRole.UserRole) for row in range(opened.results.count())]
    assert all(word in f"{hit.section.title} {hit.section.text}".lower() for hit in hits for word in ("best", "of"))
    row = next(row for row, hit in enumerate(hits) if hit.section.title == "The frontier")
    assert len({hit.page for hit in hits}) > 1 and "best of n" in hits[row].excerpt.lower()
    for _ in range(row):
        QTest.keyClick(opened.typed, Key.Key_Down)
    QTest.keyClick(opened.typed, Key.Key_Return)
    assert opened.pages.page == "policy" and opened.pages.hasFocus()
    marked = {each.cursor.selectedText().lower() for each in opened.pages.extraSelections()}
    assert marked == {"best", "of", "n"}
    first = opened.pages.textCursor().position()
    start = opened.pages.headings[[s.title for s in book.contents("policy")].index("The frontier")]
    assert first >= start
    QTest.keyClick(opened, Key.Key_F3)
    assert opened.pages.textCursor().position() > first
    QTest.keyClick(opened, Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert opened.pages.textCursor().position() == first
    QTest.keyClick(opened.typed, Key.Key_Escape)
    assert opened.typed.text() == "" and opened.contents.isVisible() and not opened.pages.extraSelections()


def test_a_search_that_finds_nothing_says_so_and_titles_come_first(opened):
    opened.typed.setText("zebra crossing")
    assert opened.results.count() == 0 and "another word" in opened.found.text()
    QTest.keyClick(opened.typed, Key.Key_Return)
    assert opened.pages.page == "loop"
    opened.typed.setText("frontier")
    assert book.search("frontier")[0].where == "Tuning the policy › The frontier"
    assert f"{opened.results.count()} place" in opened.found.text()
    assert book.search("  ") == []
    votes = next(hit for hit in book.search("more votes") if hit.section.title.startswith("What the votes"))
    assert "more votes" in votes.excerpt, "where the words stand closest together"


def test_what_a_newcomer_looks_for_is_among_the_first_three():
    places = {
        "label two people": "What stands where › Questions",
        "where are my files": "What stands where › Questions",
        "another machine": "Installing, and what lies where › Where your files are",
        "which GPU": "What fits, and several processes › Which GPU you need",
        "7B": "What fits, and several processes › Which GPU you need",
        "memory runs out": "What fits, and several processes › Which GPU you need",
        "own preference data": "Labeling › Preference data of your own",
        "export Ollama": "Tuning the policy › Exporting the model",
        "vLLM export": "Tuning the policy › Exporting the model",
        "KL explodes": "Tuning the policy › When the KL runs away",
        "telemetry": "What is safe › What goes over the network",
        "cite": "Installing, and what lies where › Licences, and how to cite",
        "demo licence": "Installing, and what lies where › Licences, and how to cite",
        "uninstall": "Installing, and what lies where › Where your files are",
        "reproduce": "Tuning the policy › Where a number comes from",
        "custom reward": "What stands where › Questions",
    }
    found = {query: [hit.where for hit in book.search(query)[:3]] for query in places}
    assert {query: found[query] for query, place in places.items() if place not in found[query]} == {}


def test_links_lead_to_pages_and_headings_and_of_the_web_to_the_browser(opened, monkeypatch):
    asked = []
    monkeypatch.setattr(markdown_view.QDesktopServices, "openUrl", lambda url: asked.append(url.toString()))
    opened.pages.anchorClicked.emit(QUrl("labeling.md"))
    assert opened.pages.page == "labeling"
    opened.pages.anchorClicked.emit(QUrl("machines.md#what-was-measured"))
    assert (opened.pages.page, top(opened)) == ("machines", "What was measured")
    opened.pages.anchorClicked.emit(QUrl("#several-processes"))
    assert (opened.pages.page, top(opened)) == ("machines", "Several processes")
    for outside in ("https://example.org/a", "../../SECURITY.md", "file:///etc/passwd", "../demo/plumbline.db", "x.md"):
        opened.pages.anchorClicked.emit(QUrl(outside))
    assert asked == ["https://example.org/a"] and opened.pages.page == "machines"


def test_links_and_contents_are_followed_by_keys_alone(opened):
    assert opened.pages.hasFocus()
    QTest.keyClick(opened.pages, Key.Key_Tab)
    QTest.keyClick(opened.pages, Key.Key_Return)
    assert opened.pages.page == "labeling", "the first link of the page"
    QTest.keyClick(opened, Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(opened.typed, Key.Key_Tab)
    assert opened.contents.hasFocus()
    opened.contents.setCurrentItem(opened.contents.items["safety"][0])
    QTest.keyClick(opened.contents, Key.Key_Return)
    assert opened.pages.page == "safety" and opened.isVisible()
    QTest.keyClick(opened.contents, Key.Key_Escape)
    assert not opened.isVisible()


def test_a_guide_that_is_open_goes_to_the_page_that_is_asked_for(ground, opened):
    assert opened.figures is None
    assert guide.show("rlhf", ground) is opened and opened.pages.page == "rlhf" and opened.figures.isVisible()
    guide.show("policy", ground)
    assert not opened.figures.isVisible()
    opened.close()
    assert guide.show("policy", ground) is not opened


def test_it_grows_with_the_text_of_the_window_and_stays_where_it_was_read(opened):
    app = QApplication.instance()
    opened.open_at("policy", "the-frontier")
    try:
        before = opened.pages.document().size().height()
        theme.apply(app, "dark", 20)
        QApplication.processEvents()
        assert opened.pages.document().size().height() > 1.3 * before
        assert top(opened) == "The frontier"
    finally:
        theme.apply(app, "light", theme.BODY)


def test_pictures_are_no_wider_than_the_text_in_a_small_window(opened, qtbot):
    opened.resize(640, 500)
    qtbot.waitUntil(lambda: opened.pages.viewport().width() < 450)
    qtbot.waitUntil(lambda: opened.pages.horizontalScrollBar().maximum() == 0)
