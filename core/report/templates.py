"""HTML by the templates in `resources/report`. Every text is escaped by Jinja, wherever it stands: what a model or a
person wrote is nobody's to trust."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.markdown import to_html
from core.resources import resource
from core.texts import MARKDOWN, beginning

#: What is looked at of a name.
LETTERS = 1_000
#: Control characters have no meaning on a page, and browsers treat them each in its own way.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def render(template: str, **values: Any) -> Markup:
    """The template with these values, as HTML that may stand in another one."""
    return Markup(_environment().get_template(template).render(values))


def name(text: str) -> Markup:
    """A name inside a sentence of ours; one that is written from right to left does not turn the sentence around."""
    return Markup("<bdi>{}</bdi>").format(cut(clean(" ".join(text[:LETTERS].split())), 80))


def _hand(writer: str) -> Markup:
    """That somebody wrote an answer by hand, behind what is said of it."""
    return Markup(" (✎ written by hand by {})").format(name(writer)) if writer else Markup("")


def code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(clean(text))


def clean(value: Any) -> Any:
    """A text without control characters; HTML of our own, numbers and the rest as they are."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", value) if type(value) is str else value


def cut(text: str, longest: int) -> str:
    """Longer texts are cut in a page, so that it can be sent."""
    return text[:longest].rstrip() + " …" if len(text) > longest else text


def _markdown(text: str) -> Markup:
    return Markup(to_html(clean(beginning(text, MARKDOWN)), heading="h4"))


def _score(value: float | None) -> str:
    return "" if value is None else f" · reward {round(value, 2) + 0.0:+.2f}"  # no -0.00


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(resource("report")), autoescape=True, undefined=StrictUndefined, finalize=clean,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    found.filters |= {"cut": cut, "markdown": _markdown, "score": _score}
    found.globals |= {"name": name, "hand": _hand}
    return found
