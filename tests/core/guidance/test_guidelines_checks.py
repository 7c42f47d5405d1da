"""What guidelines lack is named; the shipped ones lack nothing but what the blank one leaves open."""

import re

import pytest

from core.guidance.guidelines_checks import checks, missing
from core.records import Guidelines
from core.store import guidelines

CLEAR = Guidelines(
    1,
    "1. **True.** An answer that invents facts is below every answer that does not.\n"
    "2. **Of use.** Among the rest, prefer what the person can act on at once. Length alone is no merit.",
    "Tie two answers when a second reading finds nothing that tells them apart.",
    "- cannot judge: you lack the knowledge to say which answer is right.",
    "**Prompt:** Why?\n- A: x\n- B: y\n\nOrder: **B > A.** B answers the question and A repeats it.",
)


def draft(**parts: str) -> Guidelines:
    values = {part: getattr(CLEAR, part) for part in guidelines.SECTIONS} | parts
    return Guidelines(1, **values)


def names(found: Guidelines) -> list[str]:
    return [check.name for check in missing(found)]


def test_clear_guidelines_lack_nothing():
    assert names(CLEAR) == []


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"criteria": "Be kind and true."}, "Says what is better"),
        ({"criteria": CLEAR.criteria + "\n3. The answer is appropriate."}, "Is concrete"),
        ({"criteria": re.sub(r"\d\.", "-", CLEAR.criteria).replace("below", "no")}, "Says what comes first"),
        ({"criteria": CLEAR.criteria.replace("Length alone is no merit.", "")}, "Speaks of length"),
        ({"ties": "Rarely."}, "Has a rule for ties"),
        ({"flags": ""}, "Defines flags"),
        ({"flags": "- cannot judge: you know too little of it\n- broken: yes"}, "Explains each flag"),
        ({"flags": "- unsafe: it would hurt somebody who follows it"}, "Lets a labeler pass"),
        ({"examples": "A prompt and some answers."}, "Has a worked example"),
        ({"examples": "A: x\nB: y\nOrder: B > A"}, "Gives a reason"),
        ({"criteria": CLEAR.criteria + " word" * 1600}, "Can be read in minutes"),
    ],
)
def test_what_is_missing_is_named(parts, name):
    assert name in names(draft(**parts))


@pytest.mark.parametrize("name", [name for name in guidelines.templates() if name != "blank"])
def test_shipped_guidelines_pass_every_check(name):
    text = guidelines.templates()[name].read_text(encoding="utf-8")
    assert names(Guidelines(0, **guidelines.from_markdown(text))) == []


def test_nothing_written_lacks_nearly_everything():
    assert len(names(guidelines.EMPTY)) >= len(checks(guidelines.EMPTY)) - 2
