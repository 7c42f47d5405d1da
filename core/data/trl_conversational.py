"""TRL's preference rows with each text as messages. `core.data.trl` reads them."""

from pathlib import Path
from typing import Any

from core.conversation import Conversation
from core.data import source, trl
from core.data.outgoing import ALL_LOST, Turned, losses
from core.data.rows import ExportReport
from core.store import Project, counting, pairs

NAME = "trl-conversational"


def write(project: Project, path: Path) -> ExportReport:
    """One row for each pair. Tools and calls of them are in JSON lines only: in Parquet each has other columns."""
    turned, margins, table = Turned(), counting.strengths(project) > 0, source.suffix(path) == ".parquet"
    rows = (
        {
            **asked(pair.conversation, turned, table),
            "chosen": message(pair.chosen),
            "rejected": message(pair.rejected),
        }
        | trl.margin(pair.strength, margins)
        for pair in pairs.preferences(project)
    )
    written = trl.save(path, rows, conversational=True, margins=margins)
    return ExportReport("pairs", written, losses(project, *ALL_LOST) | turned.lost)


def asked(prompt: Conversation, turned: Turned, table: bool) -> dict[str, Any]:
    """The columns that say what was asked, in a table or not."""
    if table:
        return {"prompt": turned.turns(prompt)}
    tools = {"tools": list(prompt.tools)} if prompt.tools else {}
    return {"prompt": [turn.data() for turn in prompt.messages], **tools}


def message(answer: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": answer}]
