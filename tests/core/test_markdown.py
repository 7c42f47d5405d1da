"""Markdown becomes HTML by the book; what is no Markdown stays the text that it is."""

import pytest

from core.markdown import to_html

PLAIN = '<p dir="auto">'


def test_marks_lists_tables_and_code():
    assert to_html("a **b** *c* `d`") == f"{PLAIN}a <b>b</b> <i>c</i> <code>d</code></p>\n"
    assert "<li" in to_html("- a\n- b") and "<ol>" in to_html("1. a\n2. b")
    assert to_html("|a|b|\n|-|-|\n|1|2|").count("<td") == 2
    assert "<pre><code" in to_html("```\nx < 1\n```") and "x &lt; 1" in to_html("```\nx < 1\n```")


def test_headings_are_as_deep_as_is_asked_for():
    assert to_html("# a\n\n### b").count("<h") == 2
    assert to_html("# a\n\n### b", heading="h4").count("<h4") == 2


@pytest.mark.parametrize("formula", [r"\{x\}", r"5\,\%", r"\frac{1}{2}"])
def test_latex_outside_of_formulas_stays_as_it_was_typed(formula):
    assert to_html(f"so {formula} *is*") == f"{PLAIN}so {formula} <i>is</i></p>\n"


def test_a_backslash_before_a_mark_still_makes_it_a_letter():
    assert to_html(r"\*a\* \_b\_ \(and *c*") == PLAIN + r"*a* _b_ \(and <i>c</i></p>" + "\n"


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("trusted", [False, True])
def test_what_looks_like_html_and_what_would_run_stays_text(links, trusted):
    text = "<script>x</script>\n\n<img src=x onerror=y> [a](javascript:x) [b](data:text/html,x) ![c](file:///dev/zero)"
    found = to_html(text, links=links, trusted=trusted)
    assert not any(tag in found for tag in ("<script", "<img", "<a "))
    assert "&lt;script&gt;x&lt;/script&gt;" in found


def test_links_and_pictures_are_made_where_they_are_allowed():
    text = "[a](https://example.org) ![b](b.png)"
    assert to_html(text) == f"{PLAIN}{text}</p>\n"
    assert '<a href="https://example.org">a</a>' in to_html(text, links=True)
    assert '<img src="b.png" alt="b"' in to_html(text, trusted=True)
    assert "<img" not in to_html(text, links=True)


def test_a_page_of_ours_has_anchors_by_the_words_of_its_headings():
    assert ' id="where-it-leads"' in to_html("## Where it leads?", trusted=True)
    assert " id=" not in to_html("## Where it leads?", links=True)
