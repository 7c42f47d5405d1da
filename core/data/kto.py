"""TRL's unpaired preference (huggingface.co/docs/trl, "Dataset formats"): an answer a row, and whether it is good. The
texts are messages where any prompt has several turns. `core.data.long_tables` reads it."""

from collections.abc import Iterator
from pathlib import Path

from core.data import outgoing, source, trl
from core.data.outgoing import COMMENTS, CRITERIA, FLAGGED, FLAGGED_PROMPTS, LOST, Turned
from core.data.rows import ExportReport
from core.data.trl_conversational import asked, message
from core.store import Project, counting, verdicts

NAME = "kto"
ORDERED = "orders of answers"


def write(project: Project, path: Path) -> ExportReport:
    """One row for each verdict that counts, with who gave it; flagged answers and prompts have none. Tools and calls of
    them are in JSON lines only, as in `core.data.trl_conversational`."""
    turned, table = Turned(), source.suffix(path) == ".parquet"
    talks = any(not ranking.conversation.is_plain for ranking, _, _ in _judged(project))
    rows = (
        (asked(ranking.conversation, turned, table) if talks else {"prompt": ranking.conversation.text})
        | {
            "completion": message(text) if talks else text,
            "label": good,
            "labeler": ranking.labeler.name,
        }
        for ranking, text, good in _judged(project)
    )
    others = {"label": "bool", "labeler": "string"}
    written = trl.save_columns(path, rows, ("prompt", "completion"), others, conversational=talks)
    lost = {ORDERED: counting.ordered(project)}
    lost |= {kind: LOST[kind](project) for kind in (FLAGGED_PROMPTS, FLAGGED, COMMENTS, CRITERIA)}
    written_by_hand = counting.by_hand(project)
    return ExportReport(
        "verdicts", written, lost | turned.lost | ({outgoing.BY_HAND: written_by_hand} if written_by_hand else {})
    )


def _judged(project: Project) -> Iterator[tuple[counting.CountingRanking, str, bool]]:
    count = {(each.ranking_id, each.completion_id) for each in verdicts.counting(project)}
    for ranking in counting.listed(project, overruled=True):
        for answer in ranking.answers:
            if (ranking.id, answer.completion_id) in count:
                yield ranking, answer.text, answer.verdict == "good"
