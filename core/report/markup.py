"""Pieces of the experiment's page as HTML. Every text goes through `said`: what a model wrote is nobody's to trust."""

import re
from collections.abc import Iterable, Sequence
from html import escape

#: Longer texts are cut in the page, so that it can be sent.
LONGEST = 1500
#: Control characters have no meaning on a page, and browsers treat them each in its own way.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
ITEM = re.compile(r"\s*(?:[-*+]|(\d+)[.)])\s+(.*)")


def said(text: str, longest: int = 0) -> str:
    """Text that means nothing but itself, cut after `longest` characters if that is not 0."""
    cut = text[:longest].rstrip() + " …" if longest and len(text) > longest else text
    return escape(CONTROL.sub("\N{REPLACEMENT CHARACTER}", cut))


def name(text: str) -> str:
    """A name inside a sentence of ours; one that is written from right to left does not turn the sentence around."""
    return f"<bdi>{said(' '.join(text.split()), 80)}</bdi>"


def quote(text: str) -> str:
    """What somebody wrote, in the direction of its own script."""
    return f'<div class="quote" dir="auto">{said(text, LONGEST) or "<i>(empty)</i>"}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> str:
    """A table of cells that are HTML already; the columns of `numbers` stand to the right."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=n' * (place in right)}>{cell}</{tag}>" for place, cell in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', header)}</tr></thead>" if any(header) else ""
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def figure(plot: str, caption: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """A plot with its caption; `legend` has colours and what they stand for."""
    keys = "".join(f'<span><i style="background:{colour}"></i>{said(text)}</span>' for colour, text in legend)
    line = f'<div class="legend">{keys}</div>' if keys else ""
    return f"<figure>{plot}{line}<figcaption>{said(caption)}</figcaption></figure>"


def nothing(text: str) -> str:
    """The line that stands for a section that has nothing yet."""
    return f'<p class="nothing">{said(text)}</p>'


def paragraphs(texts: Iterable[str], kind: str = "") -> str:
    return "".join(f"<p{f' class={kind}' if kind else ''}>{said(text)}</p>" for text in texts if text)


def folded(summary: str, inner: str) -> str:
    """Details that are unfolded by a click, and on paper."""
    return f"<details><summary>{said(summary)}</summary>{inner}</details>"


def markdown(text: str) -> str:
    """The little of Markdown that guidelines are written in: headings, lists, paragraphs, bold, italic and code."""
    return "".join(_block(block) for block in re.split(r"\n\s*\n", text.strip()) if block.strip())


def _block(block: str) -> str:
    lines = block.splitlines()
    if heading := re.match(r"#+\s+(.*)", lines[0]):
        rest = "\n".join(lines[1:])
        return f'<h4 dir="auto">{_inline(heading[1])}</h4>{markdown(rest)}'
    if ITEM.match(lines[0]):
        items: list[str] = []
        for line in lines:
            if found := ITEM.match(line):
                items.append(found[2])
            else:
                items[-1] += "\n" + line
        tag = "ol" if ITEM.match(lines[0])[1] else "ul"  # type: ignore[index]
        return f"<{tag}>{''.join(f'<li dir=auto>{_inline(item)}</li>' for item in items)}</{tag}>"
    before = next((place for place, line in enumerate(lines) if ITEM.match(line)), len(lines))
    first = f'<p dir="auto">{_inline(chr(10).join(lines[:before]))}</p>'
    return first + (_block("\n".join(lines[before:])) if before < len(lines) else "")


def _inline(text: str) -> str:
    """Escaped first: what stands between the marks cannot become a tag."""
    found = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", said(text))
    found = re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"<b>\1</b>", found)
    return re.sub(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])", r"<i>\1</i>", found)
