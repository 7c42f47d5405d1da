"""Answers that are there to be learnt, as sets for supervised tuning have them, rather than ranked.

Of rows with one answer that, unless the file says that it is bad, or may say so. Of pairs and rankings those that were
ranked best, in whichever form they are imported; what any row ranks below another answer to the same question is left
out.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.data import answered, reading
from core.data.importing import Importer
from core.data.noticed import NAMED, have, left_behind
from core.data.reading import ReadOptions, Tell
from core.data.rows import Answer, Refused, Report, Row, Unusable, nothing
from core.records import Split
from core.store import Project
from core.texts import one_line

BAD = "its answer was judged bad, so that it is not one to learn"
NO_ANSWER = "it has no answer to learn"
FLAGGED = "it is flagged, so that it is not one to learn"
TIED = "none of its answers is better than another, so that none is the one to learn"
BELOW = "another row ranks its answer below another one, or judges it bad"
SEVERAL = "it has several answers, and says of none that it is the one to learn: import them to be ranked"
LEFT_OUT = "Rejected answers beside these are left out: {:,}. An import with --preferences keeps both, to be ranked by."


def learnt(row: Row) -> list[Answer]:
    """The answers of a row that are to be learnt. Raises `Unusable` where none is, or nobody can know."""
    if row.flag:
        raise Unusable(FLAGGED)
    if row.held:
        named = ", ".join(f"`{one_line(name, 40)}`" for name in row.held[:NAMED])
        raise Unusable(f"{named} may say that its answer is not one to learn: say which columns are meant")
    found = [answer for answer in _best(row) if answer.text.strip()]
    if not found:
        raise Unusable(NO_ANSWER)
    if all(answer.flag for answer in found):
        raise Unusable(FLAGGED)
    return [answer for answer in found if not answer.flag]


def _best(row: Row) -> list[Answer]:
    fit = [answer for answer in row.answers if answer.verdict != "bad"]
    if not fit or (len(row.answers) == 1 and row.answers[0].rank not in (None, 1)):
        raise Unusable(BAD)
    if len(row.answers) < 2:
        return fit
    if not row.ranked:
        raise Unusable(SEVERAL)
    ranks = [answer.rank for answer in row.answers if answer.rank is not None]
    if not ranks and (good := [answer for answer in fit if answer.verdict == "good"]):
        return good
    if len(set(ranks)) < 2:
        raise Unusable(TIED)
    best = [answer for answer in fit if answer.rank == min(ranks)]
    if not best:
        raise Unusable(BAD)
    return best


@dataclass
class Judged:
    """Rows whose answers were compared or judged: only at the end of the file is it known which of them are nowhere
    ranked below another one or judged bad."""

    rows: list[Row] = field(default_factory=list)
    below: set[int] = field(default_factory=set)
    left: int = 0

    def add(self, row: Row, best: list[Answer]) -> None:
        worse = [answer for answer in row.answers if answer not in best]
        self.below |= {_key(row, answer) for answer in worse if answer.rank is not None}
        self.left += len(worse)
        self.rows += [_alone(row, answer) for answer in best]

    def unusable(self, row: Row) -> bool:
        return _key(row, row.answers[0]) in self.below


def _key(row: Row, answer: Answer) -> int:
    return hash((row.key, answer.text))


def _alone(row: Row, answer: Answer) -> Row:
    return replace(row, answers=(replace(answer, rank=None),), ranked=False, labeler="", criteria={})


def import_demonstrations(
    project: Project, path: Path, *, split: Split | None = None, tell: Tell | None = None,
    options: ReadOptions = reading.AS_IT_IS,
) -> Report:  # fmt: skip
    """Add every question with its answer to learn; what is there already is counted as known. One transaction.

    Raises `NothingToDo` if there is none in it.
    """
    report, judged, lost, guessed = Report("demonstrations"), Judged(), Counter[str](), Counter[str]()
    with project.write():
        importer = Importer(project, options.name(path), "", split)

        def add(row: Row) -> None:
            new = importer.add(row)
            if isinstance(new, Refused):
                report.refused.append(new)
            else:
                report.added, report.known = report.added + new, report.known + (not new)

        for row in answered.read(path, tell, options):
            if isinstance(row, Refused):
                report.refused.append(row)
                continue
            judged.below |= {_key(row, answer) for answer in row.answers if answer.verdict == "bad"}
            try:
                best = learnt(row)
            except Unusable as error:
                report.refused.append(Refused(row.line, str(error)))
                continue
            lost.update(row.lost)
            guessed.update([row.guessed] if row.guessed else [])
            if len(row.answers) > 1 or row.answers[0].verdict == "good":
                judged.add(row, best)
            else:
                add(_alone(row, best[0]))
        for row in judged.rows:
            if judged.unusable(row):
                report.refused.append(Refused(row.line, BELOW))
            else:
                add(row)
        importer.finish()
        if not report.added and not report.known:
            said = (
                f"{options.name(path)} holds no demonstrations: give rows with a `prompt` and a `completion`, or "
                "`messages` that end with an answer."
            )
            raise nothing(said, report.refused)
    report.notes = importer.noticed.sentences + ([LEFT_OUT.format(judged.left)] if judged.left else [])
    report.notes += [f"{have(count)} {what}." for what, count in sorted(guessed.items())]
    report.notes += [left_behind(what, count) for what, count in sorted(lost.items())]
    return report
