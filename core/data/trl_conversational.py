"""TRL's preference rows with each text as messages. `core.data.trl` reads them."""

from pathlib import Path

from core.data import dialogue, trl
from core.data.outgoing import ALL_LOST, losses
from core.data.rows import ExportReport
from core.store import Project, pairs

NAME = "trl-conversational"


def write(project: Project, path: Path) -> ExportReport:
    """One row for each pair; a prompt that is a dialogue is written as its turns where it reads back the same."""
    rows = (
        {"prompt": _messages(prompt), "chosen": _message(chosen), "rejected": _message(rejected)}
        for prompt, chosen, rejected in pairs.texts(project)
    )
    return ExportReport("pairs", trl.save(path, rows, conversational=True), losses(project, *ALL_LOST))


def _messages(prompt: str) -> list[dict[str, str]]:
    turns = dialogue.turns(prompt)
    if dialogue.joined(turns) != prompt:
        turns = [("user", prompt)]
    return [{"role": role, "content": content} for role, content in turns]


def _message(answer: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": answer}]
