"""The report of an experiment as one HTML page that needs nothing else: to be sent, printed, and read on a phone."""

from pathlib import Path

from core.errors import BadInput
from core.report import sections, story
from core.report.experiment import Experiment
from core.report.look import STYLE
from core.report.markup import name, said

#: Should a text ever get out of its place, a browser still runs and fetches nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SECTIONS = (
    ("answers", "Before and after", sections.answers),
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
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(page(found), encoding="utf-8")
        partial.replace(path)  # an older report stays until the new one is whole
    finally:
        partial.unlink(missing_ok=True)
    return path


def page(found: Experiment) -> str:
    links = "".join(f'<a href="#{key}">{title}</a>' for key, title, _ in SECTIONS)
    body = "".join(f'<section id="{key}"><h2>{title}</h2>{made(found)}</section>' for key, title, made in SECTIONS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{said(found.name, 80)}: report of the experiment</title><style>{STYLE}</style></head><body><main>"
        f"{_head(found)}<nav>{links}</nav>{body}"
        f"<footer>Made with Plumbline {said(found.versions['plumbline'])} on {story.day(found.made_at)}. Intervals are "
        "95% intervals by bootstrap over prompts.</footer></main></body></html>\n"
    )


def _head(found: Experiment) -> str:
    """What the eye meets first: one paragraph, four numbers, what to beware of."""
    tiles = "".join(
        f'<div class="tile"><b>{said(tile.value)}</b><span>{said(tile.what)}</span><small>{said(tile.beside)}</small>'
        "</div>"
        for tile in story.tiles(found)
    )
    care = "".join(f"<li>{said(text)}</li>" for text in story.cautions(found))
    return (
        f'<header><div class="kind">Report of an experiment in aligning a language model with preferences · '
        f"{story.day(found.made_at)}</div><h1>{name(found.name)}</h1>"
        f'<p class="lead">{said(story.lead(found))}</p><div class="tiles">{tiles}</div>'
        + (f'<aside class="care"><h2>Read with care</h2><ul>{care}</ul></aside>' if care else "")
        + "</header>"
    )
