"""Formulas of LaTeX reach the reader as they were typed, in answers as models write them."""

import re
import time
from html import unescape

import pytest

from core.markdown import to_html

#: Answers of models to exercises, each with the formulas in it.
INLINE = r"The **sum** of $a_1*b_1*c$ and \(x_1 \cdot y_1\) is $\{z_i\}_{i=1}^{n}$, so $n$ terms; \$5 is *less*."
ALIGNED = r"""$$
\begin{aligned}
f(x) &= a_1 * x * y \\
     &= \sum_{i=1}^{n} x_i^2
\end{aligned}
$$"""
BRACKETS = r"""\[
x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}
- y
+ z
=
> 3
# 4
1. 5
\]"""
BARE = r"""\begin{cases}
a_1 & \text{if } x > 0, \\
- b_1 & \text{otherwise}
\end{cases}"""


def codes(html: str) -> list[str]:
    """What stands out as code, line by line as it was typed."""
    found = re.findall("<code>(.*?)</code>", html, re.DOTALL)
    return [unescape(each.replace("<br>", "\n").replace("&nbsp;", " ")) for each in found]


def test_formulas_in_a_sentence_are_kept_and_stand_out():
    html = to_html(INLINE)
    assert codes(html) == [r"$a_1*b_1*c$", r"\(x_1 \cdot y_1\)", r"$\{z_i\}_{i=1}^{n}$", "$n$"]
    assert "<b>sum</b>" in html and "<i>less</i>" in html and html.count("<i>") == 1


@pytest.mark.parametrize("formula", [ALIGNED, BRACKETS, BARE], ids=["dollars", "brackets", "bare"])
@pytest.mark.parametrize("before", ["We have\n", "**Then**\n\n", "1. Begin.\n\n   ", "- "], ids=repr)
def test_a_formula_of_several_lines_is_one_whatever_its_lines_begin_with(formula, before):
    indent = " " * (3 if "1." in before else 2 if "-" in before else 0)
    html = to_html(before + formula.replace("\n", f"\n{indent}") + f"\n\n{indent}so *x*.")
    assert codes(html) == [formula]
    assert "<i>x</i>" in html
    assert not re.search("<h1|<blockquote|<pre", html)


def test_formulas_stand_in_tables_lists_and_headings():
    html = to_html("## Of $x_1*y_1$\n\n|a|b|\n|-|-|\n|$x_1$|\\(a*b*c\\)|\n\n- $$x_1 \\\\ y_1$$ where $y$\n- b")
    assert codes(html) == ["$x_1*y_1$", "$x_1$", r"\(a*b*c\)", r"$$x_1 \\ y_1$$", "$y$"]
    assert html.count("<td") == 2 and html.count("<li") == 2


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and *not* $10.",
        "From $5 to 10$ it is *less*.",
        "Between $5-$10, or *more*.",
        "US$ and CA$ are *not* one.",
        "The variable $HOME is *set*, $PATH too.",
        "\\[ was *never* closed",
        "$$ was *never* closed",
        "An empty $$$$ or \\(\\) is *none*",
    ],
)
def test_prices_and_what_is_never_closed_are_no_formulas(text):
    html = to_html(text)
    assert "<code>" not in html and "<i>" in html
    assert re.sub("<[^>]+>", "", html).strip() == text.replace("*", "")


def test_code_keeps_its_dollars():
    assert codes(to_html("`a$b$` and `$(x)`")) == ["a$b$", "$(x)"]
    assert to_html("```\n$$\nx\n$$\n```").count("<code>") == 1


def test_what_never_ends_is_read_in_no_time():
    began = time.thread_time()
    for opening in ("\\(", "\\[\n", "$$ ", "$x ", "\\begin{a}\n", "$x\\"):
        assert to_html(opening * 1_000 + "\\")
    assert time.thread_time() - began < 1.5
