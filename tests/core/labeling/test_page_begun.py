"""What is begun in a page comes home or is seen again, in a real browser: one tab after another on the same page."""

import json

import pytest

from core.labeling import html_pack
from core.labeling import pack as packs
from core.store import drafts, labelers
from tests import browser

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason=browser.MISSING)
#: A database that does not answer, told at once instead of after some seconds.
SILENT = """
IDBFactory.prototype.open = () => ({});
const later = window.setTimeout;
window.setTimeout = (then, wait, ...rest) => later(then, wait > 1000 ? 0 : wait, ...rest);
"""
WRITE = "document.getElementById('write').innerText"


def begun(chromium: browser.Browser, path, **more) -> browser.Tab:
    tab = chromium.open(path, **more)
    if tab.run("document.body.dataset.page") == "start":
        tab.run("document.querySelector('#still-buttons button').click()")
        tab.wait("document.body.dataset.page === 'board'")
    return tab


def say(tab: browser.Tab, comment: str) -> None:
    tab.click("#comment")
    tab.type(comment)
    tab.key("Escape")


def count(tab: browser.Tab, said: str) -> None:
    tab.wait(f"document.getElementById('count').innerText === {json.dumps(said)}")


def test_comments_come_home_unranked_and_an_answer_begun_before_a_slow_visit_is_shown(filled, tmp_path):
    path = tmp_path / "page.html"
    html_pack.write(filled, path, "Bo")
    with browser.browser(tmp_path / "profile") as chromium:
        tab = begun(chromium, path)
        asked = tab.text("#prompt")
        tab.key("w")
        tab.wait("document.getElementById('answer').open")
        tab.type("half an answer")
        tab.click("#answer [data-close]")
        tab.wait(f"{WRITE} === 'Go on with your answer'")
        say(tab, "before")
        slow = begun(chromium, path, before=SILENT)
        assert slow.text("#prompt") == asked and slow.run(WRITE) == "Write an answer"
        slow.keys("b a d c Enter")
        count(slow, "1 of 6 ranked")
        say(slow, "both are wrong")
        slow.key("Shift+S")
        count(slow, "1 of 5 ranked")
        again = begun(chromium, path)
        for _ in range(4):
            again.key("s")
        again.wait(f"document.getElementById('prompt').innerText === {json.dumps(asked)}")
        assert again.run(WRITE) == "Go on with your answer" and "you had begun" in again.text("#said")
        assert again.run("document.querySelectorAll('.card.placed').length") == 4
        assert again.run("document.getElementById('comment').value") == "before"
        report = packs.merge(filled, again.answers(tmp_path))
        again.key("w")
        again.wait("document.getElementById('answer-text').value === 'half an answer'")
        again.key("Ctrl+Enter")
        again.wait("document.querySelectorAll('.card.placed').length === 5")
        again.key("Enter")
        count(again, "1 of 5 ranked")
        later = packs.merge(filled, again.answers(tmp_path))
        assert again.complaints() == []
        elsewhere = chromium.open(path, fresh=True)
        elsewhere.choose("#still-buttons input", again.answers(tmp_path))
        elsewhere.wait("document.body.dataset.page === 'board'")
        elsewhere.wait("document.getElementById('comment').value === 'both are wrong'")
    assert (report.added, report.remarks, report.refused) == (1, 2, [])
    assert (later.added, later.remarks, later.answers, later.retracted) == (1, 0, 1, 1)
    kept = drafts.listed(filled, labelers.named(filled, "Bo").id).values()
    assert [draft["comment"] for draft in kept] == ["both are wrong"], "the other one is in the ranking"
