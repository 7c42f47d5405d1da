"""What a draft of the guidelines lacks, in the way of a linter. Feedback is as good as the instructions are clear.

The checks follow what annotation guides of the field ask for: a rule for ties and for flags, an order of
importance, worked examples with the order and the reason, words that can be seen in a text (Stiennon et al. 2020,
arXiv 2009.01325, appendix C; Ouyang et al. 2022, arXiv 2203.02155, appendix B).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from core.records import Guidelines
from core.store import guidelines

#: Words that say "good" without saying what is seen in a good answer.
VAGUE = ("good", "bad", "better quality", "high quality", "appropriate", "nice", "suitable", "proper", "decent", "etc")
FEW_WORDS, MANY_WORDS = 25, 1500
PRIORITY = r"\b(most important|first|then|before|above|below|outweighs?|rather than|priority|more than|last)\b"


@dataclass(frozen=True)
class Check:
    """One thing that clear guidelines have. `part` is the section to mend, `advice` what to write there."""

    name: str
    part: str
    met: bool
    advice: str


def checks(draft: Guidelines) -> list[Check]:
    """Every check with its verdict, in the order in which a person would mend them."""
    return [Check(name, part, test(draft), advice) for name, part, test, advice in CHECKS]


def missing(draft: Guidelines) -> list[Check]:
    return [check for check in checks(draft) if not check.met]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _says_enough(draft: Guidelines) -> bool:
    return len(_words(draft.criteria)) >= FEW_WORDS


def _is_concrete(draft: Guidelines) -> bool:
    """No sentence of the criteria is short and hangs on a vague word alone."""
    sentences = re.split(r"[.\n;]+", draft.criteria)
    return bool(draft.criteria.strip()) and not any(
        len(_words(sentence)) < 9 and any(re.search(rf"\b{word}\b", sentence.casefold()) for word in VAGUE)
        for sentence in sentences
    )


def _has_priority(draft: Guidelines) -> bool:
    """Several criteria are numbered, or the text says which one wins."""
    items = re.findall(r"^[^\S\n]*(?:[-*]|\d+[.)])\s", draft.criteria, re.MULTILINE)
    numbered = re.search(r"^[^\S\n]*\d+[.)]\s", draft.criteria, re.MULTILINE)
    return len(items) < 2 or bool(numbered) or bool(re.search(PRIORITY, draft.criteria.casefold()))


def _speaks_of_length(draft: Guidelines) -> bool:
    text = f"{draft.criteria} {draft.ties}".casefold()
    return bool(re.search(r"\b(length|long|longer|short|shorter|brief|few words|cut off)\b", text))


def _has_tie_rule(draft: Guidelines) -> bool:
    return len(_words(draft.ties)) >= 6


def _has_flags(draft: Guidelines) -> bool:
    return bool(guidelines.flags(draft))


def _flags_are_explained(draft: Guidelines) -> bool:
    found = guidelines.flags(draft)
    return bool(found) and all(len(_words(meaning)) >= 4 for meaning in found.values())


def _lets_labelers_pass(draft: Guidelines) -> bool:
    """There is a flag for somebody who cannot judge."""
    found = guidelines.flags(draft)
    text = " ".join([*found, *found.values()]).casefold()
    return bool(re.search(r"cannot|can't|lack|not know|unsure|unclear|do not understand", text))


def _examples(draft: Guidelines) -> int:
    """Worked examples: each ends in an order."""
    return len(
        re.findall(r"\border\b[^\n:]{0,300}:|[A-P]\s*[>=]\s*[A-P]", re.sub(r"[*_]", "", draft.examples), re.IGNORECASE)
    )


def _has_example(draft: Guidelines) -> bool:
    return _examples(draft) >= 1


def _has_reasons(draft: Guidelines) -> bool:
    """Behind at least one order stands a sentence that says why."""
    plain = re.sub(r"[*_]", "", draft.examples)
    orders = re.findall(r"[A-P]\s*[>=]\s*[A-P][^\n]*", plain)
    return any(len(_words(re.sub(r"[A-P]\s*[>=]\s*", "", order))) >= 5 for order in orders)


def _is_readable(draft: Guidelines) -> bool:
    return len(_words(guidelines.to_markdown(draft))) <= MANY_WORDS


CHECKS: tuple[tuple[str, str, Callable[[Guidelines], bool], str], ...] = (
    ("Says what is better", "criteria", _says_enough, "Say in a few sentences what makes one answer better."),
    ("Is concrete", "criteria", _is_concrete, "“Good” or “appropriate” is vague: say what a labeler would see."),
    ("Says what comes first", "criteria", _has_priority, "Number the criteria: which one wins when two disagree?"),
    ("Speaks of length", "criteria", _speaks_of_length, "Say whether longer is better: labelers tend to think so."),
    ("Has a rule for ties", "ties", _has_tie_rule, "Say when two answers may share a rank, and when they may not."),
    ("Defines flags", "flags", _has_flags, "Define at least one flag, as a line “- name: meaning”."),
    ("Explains each flag", "flags", _flags_are_explained, "Say when to set each flag, in a few words behind its name."),
    ("Lets a labeler pass", "flags", _lets_labelers_pass, "Give a flag to those who cannot judge: a guess is worse."),
    ("Has a worked example", "examples", _has_example, "Show a prompt with answers and the order, such as A > B."),
    ("Gives a reason", "examples", _has_reasons, "Behind an order, say in one sentence why it is that one."),
    ("Can be read in minutes", "criteria", _is_readable, f"Over {MANY_WORDS:,} words are not read: cut them down."),
)  # fmt: skip
