"""The report of an experiment as one HTML page that needs nothing else: to be sent, printed, and read on a phone."""

from pathlib import Path

from core.errors import BadInput
from core.report import sections, story
from core.report.experiment import Experiment
from core.report.templates import render
from core.store.files import beside

SECTIONS = (
    ("answers", "Before and after", sections.answers),
    ("arena", "Put to the vote", sections.arena),
    ("policy", "The tuned policy", sections.policy),
    ("reward", "The reward model", sections.reward),
    ("data", "Prompts and rankings", sections.data),
    ("agreement", "Do labelers agree?", sections.agreement),
    ("guidelines", "Guidelines", sections.guidelines),
    ("made", "How it was made", sections.made),
    ("words", "The words", sections.words),
)


def write(found: Experiment, path: Path) -> Path:
    """Write the page. Raises `BadInput` for another ending than .html, or a folder that is not there."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise BadInput(f"{path.name} does not end with .html: the report is a web page.")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is no folder: choose another place for the report.")
    text = page(found)
    with beside.file(path) as made:  # an older report stays until the new one is whole
        made.write_text(text, encoding="utf-8")
    return path


def page(found: Experiment) -> str:
    """What the eye meets first: one paragraph, four numbers, what to beware of. Then the sections."""
    return render(
        "experiment.html.j2",
        found=found,
        day=story.day(found.made_at),
        lead=story.lead(found),
        tiles=story.tiles(found),
        cautions=list(story.cautions(found)),
        sections=[{"key": key, "title": title, "body": body} for key, title, made in SECTIONS if (body := made(found))],
    )
