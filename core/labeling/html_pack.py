"""A labeling pack as one page of HTML, ranked in any browser without a network; its answers are merged as a pack's are.

The page lets nothing run or load but the script and the style that are written into it (a content policy with their
hashes), and texts are data in it, never HTML.
"""

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.labeling import page_items
from core.markdown import to_html
from core.records import Guidelines
from core.resources import resource
from core.store import Project, assignments, guidelines, labelers
from core.store.files import beside
from core.texts import MARKDOWN, shown

SUFFIXES = (".html", ".htm")
#: In the order in which they stand in the page: each uses those before it.
SCRIPTS = (
    "ordering.js", "pairwise.js", "drafts.js", "own.js", "joining.js", "store.js", "replay.js", "work.js",
    "answers.js", "dom.js", "cards.js", "drag.js", "keys.js", "flags.js", "stills.js", "writing.js", "page.js",
)  # fmt: skip
POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
#: Signs that stand in the page by their numbers.
ESCAPED = re.compile(r"[<>&\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
PART = re.compile("<!-- part: ([a-z]+) -->")
#: The columns of a table may be set to a side, which the policy lets no attribute do.
INLINE = re.compile(r' style="text-align:(left|center|right)"')


def is_page(path: Path) -> bool:
    """Has it the name of a page?"""
    return path.suffix.lower() in SUFFIXES


def write(project: Project, path: Path, labeler: str, method: str = "order") -> int:
    """Write a page for one labeler to `path`; returns how many prompts wait in it. `method` is how it ranks at first,
    one of `page_items.METHODS`.

    Raises `BadInput` for another ending than .html, or if there is nothing to rank.
    """
    if not is_page(path):
        raise BadInput(f"{path.name} does not end with .html: a browser opens no other file as a page.")
    person = labelers.named(project, labeler)
    queue = assignments.queue(project, person.id)
    if not queue.waiting:
        raise BadInput(f"There is nothing for {labeler} to rank: generate completions or assign prompts first.")
    held = page_items.held(project, person, queue, method)
    text = page(held, guidelines.current(project))
    with beside.file(path) as made:  # an older page stays until the new one is whole
        made.write_bytes(text.encode())
    return len(queue.waiting)


def page(held: dict[str, Any], rules: Guidelines) -> str:
    """The whole page as text."""
    style, script = _source("page.css"), "\n".join(map(_source, SCRIPTS))
    script = f'"use strict";\n(() => {{\n{script}\n}})();\n'
    parts = {
        "policy": escape(POLICY.format(script=_hash(script), style=_hash(style))),
        "title": escape(held["name"]),
        "style": style,
        "guidelines": _guidelines(rules),
        "data": data(held),
        "script": script,
    }
    return PART.sub(lambda part: parts[part[1]], _source("page.html"))


def data(held: dict[str, Any]) -> str:
    """JSON in which nothing can end the element that it stands in, begin another one, or turn or hide what is read."""
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"))
    return ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _guidelines(rules: Guidelines) -> str:
    found = guidelines.parts(rules)
    parts = [f"## {title}\n\n{found[part]}" for part, title in guidelines.SECTIONS.items() if found[part].strip()]
    html = to_html(shown("\n\n".join(parts), page_items.WAY, MARKDOWN))
    return INLINE.sub("", html) or "<p>No guidelines are written.</p>"


def _source(name: str) -> str:
    return (resource("pack_page") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a content policy names what may run (W3C, Content Security Policy Level 3, 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
