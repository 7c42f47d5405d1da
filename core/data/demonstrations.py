"""Answers that are there to be learnt, as sets for supervised tuning have them, rather than ranked.

Of rows with one answer that, unless the file says that it is bad, or may say so. Of pairs and rankings those that were
ranked best, in whichever form they are imported. An answer that any row of the file ranks below another one, judges bad
or flags is learnt from no row.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
UNFIT = "the file says that its answer is not one to learn"
NO_ANSWER = "it has no answer to learn"
FLAGGED = "it is flagged, so that it is not one to learn"
TIED = "none of its answers is better than another, so that none is the one to learn"
BELOW = "another row ranks its answer below another one, judges it bad or flags it"
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
    if not row.answers:
        raise Unusable(NO_ANSWER)
    fit = [answer for answer in row.answers if answer.is_fit and answer.verdict != "bad"]
    if len(row.answers) == 1 and row.answers[0].rank not in (None, 1):
        raise Unusable(BAD)
    if not fit:
        raise Unusable(_why(row.answers))
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
        raise Unusable(_why([answer for answer in row.answers if answer.rank == min(ranks)]))
    return best


def _why(left: Sequence[Answer]) -> str:
    """Why none of these is learnt."""
    return BAD if any(answer.verdict == "bad" for answer in left) else UNFIT


class _Late(Exception):
    """A row was added whose answer a later row says not to learn."""


def _worse(row: Row) -> Iterator[int]:
    """The answers that the row says not to learn, by their question and text."""
    first = min((answer.rank for answer in row.answers if answer.rank is not None), default=1)
    first = first if len(row.answers) > 1 else 1
    for answer in row.answers:
        is_below = answer.rank is not None and answer.rank > first
        if is_below or answer.verdict == "bad" or not answer.is_fit or answer.flag or row.flag:
            yield _key(row, answer)


def _key(row: Row, answer: Answer) -> int:
    return hash((row.key, answer.text))


def _alone(row: Row, answer: Answer) -> Row:
    return replace(row, answers=(replace(answer, rank=None),), ranked=False, labeler="", criteria={})


def import_demonstrations(
    project: Project, path: Path, *, split: Split | None = None, tell: Tell | None = None,
    options: ReadOptions = reading.AS_IT_IS,
) -> Report:  # fmt: skip
    """Add every question with its answer to learn; what is there already is counted as known. One transaction.

    Only at the end of a file is it known which answers its rows say not to learn. Where one was added before, all is
    undone and the file is read again, so that no file has to be kept in memory.

    Raises `NothingToDo` if there is none in it.
    """
    worse = set[int]()
    try:
        return _added(project, path, split, tell, options, worse)
    except _Late:
        return _added(project, path, split, tell, options, worse)


def _added(
    project: Project, path: Path, split: Split | None, tell: Tell | None, options: ReadOptions, worse: set[int]
) -> Report:
    """Adds to `worse` what the rows say not to learn, and none of these. Raises `_Late` where one was added before."""
    report, left, lost, guessed = Report("demonstrations"), 0, Counter[str](), Counter[str]()
    added = set[int]()
    with project.write():
        importer = Importer(project, options.name(path), "", split)
        for row in answered.read(path, tell, options):
            if isinstance(row, Refused):
                report.refused.append(row)
                continue
            worse.update(_worse(row))
            try:
                best = learnt(row)
            except Unusable as error:
                report.refused.append(Refused(row.line, str(error)))
                continue
            lost.update(row.lost)
            guessed.update([row.guessed] if row.guessed else [])
            left += len(row.answers) - len(best)
            for answer in best:
                key = _key(row, answer)
                new = Refused(row.line, BELOW) if key in worse else importer.add(_alone(row, answer))
                if isinstance(new, Refused):
                    report.refused.append(new)
                    continue
                added.add(key)
                report.added, report.known = report.added + new, report.known + (not new)
        if added & worse:
            raise _Late
        importer.finish()
        if not report.added and not report.known:
            said = (
                f"{options.name(path)} holds no demonstrations: give rows with a `prompt` and a `completion`, or "
                "`messages` that end with an answer."
            )
            raise nothing(said, report.refused)
    report.notes = importer.noticed.sentences + ([LEFT_OUT.format(left)] if left else [])
    report.notes += [f"{have(count)} {what}." for what, count in sorted(guessed.items())]
    report.notes += [left_behind(what, count) for what, count in sorted(lost.items())]
    return report
