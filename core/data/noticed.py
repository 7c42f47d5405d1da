"""What an import did with rows that are not simply new, as sentences."""

from dataclasses import dataclass, field

from core.texts import one_line

#: Of what is named one by one.
NAMED = 5
LETTERS = 60


@dataclass
class Noticed:
    """`leaks` are the prompts on both sides of the split, by what tells them apart; the lists hold lines."""

    leaks: dict[int, str] = field(default_factory=dict)
    contradictions: list[int] = field(default_factory=list)
    revised: list[int] = field(default_factory=list)
    unkept: list[int] = field(default_factory=list)
    kept_splits: int = 0
    other_guidelines: int = 0

    @property
    def sentences(self) -> list[str]:
        found = []
        if self.leaks:
            named = "; ".join(one_line(text, LETTERS) for text in list(self.leaks.values())[:NAMED])
            found.append(f"{_are(len(self.leaks), 'prompt')} on both sides of the split, and held out: {named}")
        if self.contradictions:
            found.append(
                f"{_rows(self.contradictions)} contradict an earlier verdict on the same answers: both are kept, the "
                "later one under a labeler of its own."
            )
        if self.revised:
            found.append(f"{_rows(self.revised)} say otherwise than a ranking in the project, which stays.")
        if self.other_guidelines:
            found.append(
                f"{_are(self.other_guidelines, 'ranking')} of other guidelines than any here, and count as made under "
                "the newest."
            )
        if self.unkept:
            found.append(
                f"{_rows(self.unkept)} say what is there already, with another comment or other criteria, which are "
                "left out."
            )
        if self.kept_splits:
            found.append(
                f"{_are(self.kept_splits, 'prompt')} in the project already, for another use than the file says, which "
                "stays."
            )
        return found


def _are(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count:,} {noun}s are"


def _rows(lines: list[int]) -> str:
    """`Rows that ... (lines 2, 7)`."""
    named = ", ".join(map(str, lines[:NAMED])) + (", …" if len(lines) > NAMED else "")
    return f"{len(lines):,} of the rows (line{'' if len(lines) == 1 else 's'} {named})"


def left_behind(what: str, count: int) -> str:
    """Names what so many rows have, and nobody reads."""
    return f"{have(count)} {what}, which a project has no place for."


def have(count: int) -> str:
    return f"{count:,} rows have" if count != 1 else "1 row has"
