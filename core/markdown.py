"""Markdown as HTML: CommonMark with tables, by markdown-it-py. What looks like HTML stays the text that it is.

Formulas stay as they were typed (`core.formulas`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from core import formulas

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Coloured = Callable[[str, str, str], str]

#: Shorter names that mean the same.
TAGS = {"strong": "b", "em": "i"}
#: What has a direction of its own: that of its first word's script.
DIRECTED = ("paragraph_open", "heading_open", "list_item_open", "td_open", "th_open")
#: What no plain text has: a fence, a heading below the first level, bold words, the head of a table.
MARKS = re.compile(
    r"^ {0,3}(?:```|~~~)|^#{2,6} \S|(?<![\w*])\*\*(?=[^\s*])[^*\n]+(?<=\S)\*\*(?![\w*])|^\|.+\|[ \t]*\n\|[ :|-]+\|",
    re.MULTILINE,
)


def is_markdown(text: str) -> bool:
    """Was `text` written as Markdown? In doubt it was not: lines of a plain text would run together."""
    return MARKS.search(text) is not None


def to_html(
    text: str, *, links: bool = False, trusted: bool = False, heading: str = "", code: Coloured | None = None
) -> str:
    """`text` as HTML; with `heading` (`h4`) every heading is such. `code` makes HTML of the code in a fence and
    its language, or nothing.

    Links stay text unless they are allowed, and one that runs something instead of leading somewhere is never made one.
    Only a `trusted` text has pictures, and anchors by its headings' words, for links to lead to.
    """
    parser = _parser(links or trusted, trusted)
    parser.options["highlight"] = code
    environment: dict[str, object] = {}
    tokens = parser.parse(text, environment)
    for place, token in enumerate(tokens):
        if trusted and token.type == "heading_open":
            token.attrSet("id", anchor(tokens[place + 1].content))
        for each in (token, *(token.children or ())):
            _adapt(each, heading)
    return str(parser.renderer.render(tokens, parser.options, environment))


def anchor(heading: str) -> str:
    """What a link to a heading ends with, as GitHub and MkDocs have it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@dataclass(frozen=True)
class Section:
    """A heading, and as plain text what stands under it up to the next one."""

    level: int
    title: str
    text: str

    @property
    def anchor(self) -> str:
        return anchor(self.title)


def sections(text: str) -> list[Section]:
    """What a text has under its headings, in order; what stands before the first one is left out."""
    found: list[tuple[int, str, list[str]]] = []
    tokens = _parser(True, True).parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            found.append((int(token.tag[1]), _plain(tokens[place + 1]), []))
        elif found and token.type in ("inline", "fence", "code_block") and tokens[place - 1].type != "heading_open":
            found[-1][2].append(_plain(token))
    return [Section(level, title, " ".join(parts)) for level, title, parts in found]


def _plain(token: "Token") -> str:
    """The words of a line, without marks, pictures and addresses of links; or a piece of code."""
    if token.children is None:
        return token.content
    breaks = {"softbreak": " ", "hardbreak": " ", "image": ""}
    return "".join(breaks.get(child.type, child.content) for child in token.children)


def _adapt(token: "Token", heading: str) -> None:
    token.tag = TAGS.get(token.tag, token.tag)
    if token.type in DIRECTED:
        token.attrSet("dir", "auto")
    if heading and token.type in ("heading_open", "heading_close"):
        token.tag = heading


@cache
def _parser(links: bool, pictures: bool) -> "MarkdownIt":
    from markdown_it import MarkdownIt  # the first frame does without

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable([*["link", "autolink", "reference"] * (not links), *["image"] * (not pictures)])
    formulas.keep(parser)
    return parser
