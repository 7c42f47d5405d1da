"""The guide as a site: built strictly, with the words that the window shows, and read from a disk without a network."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.markdown import to_html
from desktop.guide.book import PAGES
from tests import browser

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "resources" / "guide"
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        not (find_spec("mkdocs") and find_spec("material")),
        reason="MkDocs and its theme Material are not installed: pip install -e '.[docs]'",
    ),
]


def build(config: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(config), "-d", str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Page(HTMLParser):
    """The words of a page, its tags that make something of them, and what it reads from elsewhere while it is shown."""

    COUNTED = ("li", "td", "th", "h1", "h2", "h3", "pre", "img", "table")

    def __init__(self, html: str, within: str = "") -> None:
        super().__init__()
        self.words, self.tags, self.fetched = "", dict.fromkeys(self.COUNTED, 0), list[str]()
        self._within, self._inside, self._aside = within, not within, False
        self.feed(html)

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        named = dict(given)
        self._inside = self._inside or tag == self._within
        self._aside = self._aside or "headerlink" in (named.get("class") or "")
        if self._inside and tag in self.tags:
            self.tags[tag] += 1
        read = named.get("src") or (named.get("href") if tag == "link" and named.get("rel") != "canonical" else None)
        self.fetched += [read] if read and re.match("(https?:)?//", read) else []

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and (not self._within or tag != self._within)
        self._aside = self._aside and tag != "a"

    def handle_data(self, data: str) -> None:
        self.words += data if self._inside and not self._aside else ""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_window_says_and_reads_nothing_from_a_network(site, name):
    html = (site / f"{name}.html").read_text(encoding="utf-8")
    ours, built = Page(to_html((GUIDE / f"{name}.md").read_text(encoding="utf-8"), trusted=True)), Page(html, "article")
    assert re.findall(r"\w+", built.words) == re.findall(r"\w+", ours.words)
    assert built.tags == ours.tags and built.fetched == []


def test_styles_read_nothing_from_a_network(site):
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("link", ["loop.md#no-such-heading", "no-such-page.md", "no-such-picture.png"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, link):
    docs = shutil.copytree(GUIDE, tmp_path / "docs", ignore=shutil.ignore_patterns("*.webp"))
    with (docs / "rlhf.md").open("a", encoding="utf-8") as page:
        page.write(f"\n\n[x]({link})\n")
    config = tmp_path / "mkdocs.yml"
    inherited = f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: {docs}\ntheme:\n  custom_dir: {ROOT / 'resources/site'}\n"
    config.write_text(inherited, encoding="utf-8")
    done = build(config, tmp_path / "site")
    assert done.returncode == 1 and "Aborted with 1 warnings" in done.stdout + done.stderr
    assert link.partition("#")[2] in done.stdout + done.stderr


@pytest.mark.skipif(browser.CHROMIUM is None, reason=browser.MISSING)
def test_it_is_searched_from_a_disk_and_asks_no_network(site, tmp_path):
    with browser.browser(tmp_path / "profile") as chromium:
        tab = chromium.open(site / "index.html")
        tab.click("label.md-search__icon, .md-search__input")
        tab.keys(" ".join("frontier"))  # it heeds keys that come up, and not a text that is put in
        tab.wait("document.querySelector('.md-search-result__item a')", patience=60)
        assert "The frontier" in tab.text(".md-search-result__list")
        tab.go(site / "policy.html")
        assert [each for each in tab.complaints() if not each.startswith("data:")] == []
