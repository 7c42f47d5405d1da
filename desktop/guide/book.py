"""The guide's pages as they lie in `resources/guide`: their headings, and where words stand in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from core.markdown import Section, sections
from core.resources import resource

#: The pages of the guide, by file, as the menu names them.
PAGES = {
    "index": "What sta&nds where",
    "rlhf": "What &RLHF is",
    "loop": "The &loop in five steps",
    "installing": "&Installing, and what lies where",
    "labeling": "Labelin&g",
    "reward": "The reward &model",
    "policy": "Tuning the &policy",
    "compare": "&Comparing policies",
    "machines": "What &fits, and several processes",
    "models": "&Which models work",
    "settings": "&Settings and the system view",
    "safety": "What is saf&e",
    "comparison": "&Beside Argilla and Label Studio",
}
#: Letters of a text that are shown around what was found in it.
AROUND = 100


@dataclass(frozen=True)
class Hit:
    """A section in which all words that were looked for stand."""

    page: str
    section: Section
    where: str
    """Its page's title, and its own."""
    excerpt: str


def text_of(page: str) -> str:
    return (resource("guide") / f"{page}.md").read_text(encoding="utf-8")


@cache
def contents(page: str) -> list[Section]:
    """The headings of a page, the first of which is its title, and what stands under each."""
    return sections(text_of(page))


def pattern(query: str) -> re.Pattern[str] | None:
    """Finds each of the words that somebody typed; None if there is none."""
    words = sorted(set(query.lower().split()), key=len, reverse=True)
    return re.compile("|".join(map(_word, words)), re.IGNORECASE) if words else None


def _word(word: str) -> str:
    """Short ones are found as whole words alone: they are in too many others."""
    return rf"\b{word}\b" if len(word) < 3 and word.isalnum() else re.escape(word)


def search(query: str) -> list[Hit]:
    """The sections that hold all words: first those with all of them in their title, then those that have them close
    together, then the others, each in the order of the guide."""
    words = query.lower().split()
    marks = pattern(query)
    if marks is None:
        return []
    found = list(_holding(words))
    ranks = {id(section): _rank(section, words, marks) for _, section in found}
    return [_hit(page, section, marks) for page, section in sorted(found, key=lambda each: ranks[id(each[1])])]


def densest(text: str, marks: re.Pattern[str]) -> tuple[int, int]:
    """Where the marks begin of which the most different ones stand within `AROUND` letters, the closest together, and
    how many; (0, 0) if there is none."""
    found = [(each.start(), each[0].lower()) for each in marks.finditer(text)]
    best = (0, 0, 0)  # how many, how close (negative), where
    for number, (begin, _) in enumerate(found):
        seen = dict[str, int]()
        for at, word in found[number : number + 50]:
            if at < begin + AROUND:
                seen.setdefault(word, at)
        best = max(best, (len(seen), begin - max(seen.values()), -begin))
    return -best[2], best[0]


def _holding(words: list[str]) -> Iterator[tuple[str, Section]]:
    for page in PAGES:
        for section in contents(page):
            whole = f"{section.title} {section.text}"
            if all(re.search(_word(word), whole, re.IGNORECASE) for word in words):
                yield page, section


def _rank(section: Section, words: list[str], marks: re.Pattern[str]) -> int:
    if all(word in section.title.lower() for word in words):
        return 0
    return 1 if densest(section.text, marks)[1] == len(set(words)) else 2


def _hit(page: str, section: Section, marks: re.Pattern[str]) -> Hit:
    title = contents(page)[0].title
    where = title if section.level == 1 else f"{title} › {section.title}"
    text = " ".join(section.text.split())
    begin = max(0, densest(text, marks)[0] - AROUND // 4)
    begin = text.find(" ", begin) + 1 if begin else 0
    end = begin + AROUND + AROUND // 4
    return Hit(page, section, where, f"{'… ' * (begin > 0)}{text[begin:end].strip()}{' …' * (end < len(text))}")
