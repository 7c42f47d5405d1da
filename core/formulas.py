r"""Formulas of LaTeX in Markdown stay as they were typed, and look like code, so that they stand out.

CommonMark would take the backslashes of `\(`, `\{` and `\\` for its own, `_` and `*` for emphasis, and a line of a
formula that begins with `-`, `+`, `=` or `>` for a list, a heading or a quotation.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

#: What opens a formula, and what closes it.
PAIRS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
#: Signs before which a backslash is LaTeX's; before others it keeps Markdown from reading them as marks.
LATEX = r"()[]{},;:!\%$&"
BEGIN = re.compile(r"\\begin\{([a-zA-Z]+\*?)\}")
#: Between two single dollars: no blank at either end and no number after it, which prices have (Pandoc's rule).
DOLLARS = re.compile(r"\$(?![\s$])((?:\\.|[^$`\\])*(?:\\.|[^\s$`\\]))\$(?![\d$])")
#: One of these, or no blank at all, tells a formula from two prices in one sentence.
OF_A_FORMULA = re.compile(r"[\\_^={}+*/<>-]|^\S*$")
#: Lines of a formula; one that goes on longer is none, so that a text of many that never end is read in no time.
LONGEST = 60
INDENT = re.compile("^ +")


def keep(parser: "MarkdownIt") -> None:
    """Let a parser keep formulas as they were typed."""
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.block.ruler.before(
        "table", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list", "table"]}
    )
    parser.add_render_rule("formula", _rendered)


def _end(text: str, begin: int, end: int) -> int:
    """Where the formula ends that begins at `begin`; 0 if none does."""
    if closing := _closing(text, begin):
        opened = begin + len(closing[0])
        found = text.find(closing[1], opened, end)
        return found + len(closing[1]) if text[opened:found].strip() and found > 0 else 0
    if text[begin] == "$" and (begin == 0 or not text[begin - 1].isalnum()):
        single = DOLLARS.match(text, begin, end)
        return single.end() if single and OF_A_FORMULA.search(single[1]) else 0
    return 0


def _closing(text: str, begin: int) -> tuple[str, str] | None:
    """What opens a formula here and what closes it."""
    if (opening := text[begin : begin + 2]) in PAIRS:
        return opening, PAIRS[opening]
    if environment := BEGIN.match(text, begin):
        return environment[0], f"\\end{{{environment[1]}}}"
    return None


def _inline(state: "StateInline", silent: bool) -> bool:
    """A rule of markdown-it: takes a formula in a line, or LaTeX's two characters."""
    if state.src[state.pos] not in "\\$":
        return False
    if end := _end(state.src, state.pos, state.posMax):
        if not silent:
            state.push("formula", "code", 0).content = state.src[state.pos : end]
        state.pos = end
        return True
    pair = state.src[state.pos : state.pos + 2]
    if len(pair) == 2 and pair[0] == "\\" and pair[1] in LATEX:
        if not silent:
            state.pending += pair
        state.pos += 2
        return True
    return False


def _block(state: "StateBlock", first: int, last: int, silent: bool) -> bool:
    """A rule of markdown-it: takes lines from one that begins with what opens a formula to one that ends with what
    closes it, without an empty line between them."""
    begin = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not (closing := _closing(state.src, begin)):
        return False
    for line in range(first, min(first + LONGEST, last)):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        opened = begin + len(closing[0]) if line == first else state.bMarks[line]
        written = state.src[opened : state.eMarks[line]]
        if closing[1] in written:
            if written.partition(closing[1])[2].strip(" \t.,;"):
                return False
            if not silent:
                _push_block(state, first, line + 1)
            return True
    return False


def _push_block(state: "StateBlock", first: int, after: int) -> None:
    state.push("paragraph_open", "p", 1).map = [first, after]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(first, after, state.sCount[first], False).strip()
    inline.map = [first, after]
    inline.children = []
    state.push("paragraph_close", "p", -1)
    state.line = after


def _rendered(
    renderer: "RendererHTML", tokens: "Sequence[Token]", place: int, options: "OptionsDict", environment: "EnvType"
) -> str:
    from markdown_it.common.utils import escapeHtml

    lines = escapeHtml(tokens[place].content).split("\n")
    return f"<code>{'<br>'.join(INDENT.sub(_kept, line) for line in lines)}</code>"


def _kept(blanks: "re.Match[str]") -> str:
    """Blanks as HTML keeps them."""
    return "&nbsp;" * len(blanks[0])
