"""Commands about files and pairs."""

from pathlib import Path

import click

from core import data
from core.cli.output import folder_argument, json_option, opened, show
from core.store import pairs


@click.command("import")
@folder_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--preferences", is_flag=True, help="The file holds chosen and rejected answers, not just prompts.")
@click.option("--labeler", default="imported", show_default=True, help="Whose rankings imported preferences are.")
@click.option("--split", type=click.Choice(["train", "heldout"]), help="Put all prompts in this split.")
@json_option
def import_command(folder: Path, file: Path, preferences: bool, labeler: str, split: str | None, as_json: bool) -> None:
    """Import prompts or preferences from FILE: text, CSV, JSON, Parquet; whatever format they are in is found out."""
    with opened(folder) as project:
        found = data.preview(file, 0)
        if preferences or found.what == "rankings":
            report = data.import_preferences(project, file, labeler)
        else:
            report = data.import_prompts(project, file, split=split)
    refused = [f"line {item.line}: {item.reason}" for item in report.refused]
    hazards = [sentence for sentence in (*found.hazards, found.note) if sentence]
    said = f"Read as {found.format}. Imported {report.added} {report.what}, {report.known} were there already."
    text = "\n".join([said, *hazards, *refused])
    values = {"added": report.added, "known": report.known, "what": report.what, "format": found.format}
    values |= {"refused": refused, "hazards": hazards}
    show(values, as_json, text)


@click.command("export")
@folder_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "name", type=click.Choice(sorted(data.EXPORTERS)), default="plumbline", show_default=True)
@json_option
def export_command(folder: Path, file: Path, name: str, as_json: bool) -> None:
    """Write the rankings to FILE and say what the format could not carry."""
    with opened(folder) as project:
        report = data.export(project, file, name)
    lost = "; ".join(f"{count} {what}" for what, count in report.lost.items() if count) or "nothing"
    text = f"Wrote {report.written} {report.what} to {file}. Not carried by {name}: {lost}. {report.note}".rstrip()
    values = {"written": report.written, "what": report.what, "lost": report.lost, "guarded": report.guarded}
    show(values, as_json, text)


@click.command("pairs")
@folder_argument
@json_option
def pairs_command(folder: Path, as_json: bool) -> None:
    """Count the rankings and the pairs that follow from them."""
    with opened(folder) as project:
        counts = pairs.counts(project)
    text = (
        f"{counts.rankings} rankings ({counts.scripted} of them by a script) of {counts.ranked_prompts} prompts give "
        f"{counts.pairs} pairs; {counts.ties} ties and {counts.flagged} flagged prompts give none."
    )
    show(vars(counts), as_json, text)


COMMANDS = (import_command, export_command, pairs_command)
