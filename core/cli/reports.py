"""The reports: on a reward model, how good it is on prompts that it was not trained on; and on a whole experiment."""

from dataclasses import asdict
from pathlib import Path

import click

from core.cli.output import folder_argument, json_option, opened, show, table
from core.report import experiment, export, page, story
from core.report.measure import measure


@click.command()
@folder_argument
@click.option("--run", "job_id", default=0, help="Run of the reward model; 0 is the newest one.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it as .html, .md (with its plots) or .json.")
@json_option
def report(folder: Path, job_id: int, out: Path | None, as_json: bool) -> None:
    """Show or export how far a reward model can be trusted."""
    with opened(folder) as project:
        found = measure(project, job_id)
        if out is not None:
            export.write(project, found, out)
    parts = [table(export.headline(found), (f"reward model {found.job_id}", ""))]
    for title, rows in export.parts(found):
        cells = [(row.name, export.interval(row.accuracy), row.pairs) for row in rows]
        parts.append(table(cells, (title.lower(), "accuracy", "pairs")))
    parts += [*export.warnings(found), found.growth.verdict] if found.growth.verdict else export.warnings(found)
    if out is not None:
        parts.append(f"Written to {out}.")
    show(asdict(found), as_json, "\n\n".join(parts))


@click.command("experiment")
@folder_argument
@click.option("--out", type=click.Path(path_type=Path), help="Write it as one web page that needs nothing else.")
@json_option
def experiment_command(folder: Path, out: Path | None, as_json: bool) -> None:
    """Tell the whole experiment, from guidelines to tuned policy, in a few lines or as a page to send."""
    with opened(folder) as project:
        found = experiment.gather(project)
    if out is not None:
        page.write(found, out)
    tiles = [(tile.value, tile.what, tile.beside) for tile in story.tiles(found)]
    parts = [story.lead(found), table(tiles, ("", "", "")).lstrip("\n "), *story.cautions(found)]
    if out is not None:
        parts.append(f"Written to {out}.")
    show(asdict(found), as_json, "\n\n".join(parts))


COMMANDS = (report, experiment_command)
