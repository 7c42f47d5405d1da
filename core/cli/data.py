"""Commands about files and pairs."""

from pathlib import Path

import click

from core import data
from core.cli import from_hub
from core.cli.output import folder_argument, json_option, opened, show
from core.data import hub
from core.data.demonstrations import import_demonstrations
from core.errors import BadInput
from core.records import Split
from core.store import pairs


@click.command("import")
@folder_argument
@click.argument("file", metavar="FILE")
@click.option("--preferences", is_flag=True, help="The file holds chosen and rejected answers, not just prompts.")
@click.option("--prompts-only", is_flag=True, help="Take its prompts, and leave the answers that it holds.")
@click.option("--demonstrations", is_flag=True, help="Take each row's one answer to be learnt by supervised tuning.")
@click.option("--unranked", is_flag=True, help="Take its answers to be ranked, whatever it says of which is better.")
@click.option(
    "--map",
    "columns",
    default="",
    help="Which column is what: prompt=COLUMN,chosen=COLUMN ..., or a name that is kept.",
)
@click.option("--keep-map", default="", help="Keep what --map says by this name, for other files.")
@click.option("--encoding", default="", help="The encoding of a file that is not in UTF-8 or UTF-16, such as cp1252.")
@click.option("--labeler", default="imported", show_default=True, help="Whose rankings imported preferences are.")
@click.option("--split", type=click.Choice(["train", "heldout"]), help="Put all prompts in this split.")
@click.option("--hub-config", default="", help="Which configuration of a data set hub:owner/name, if it has several.")
@click.option("--hub-split", default="", help="Which of its splits.")
@click.option("--hub-token", is_flag=True, help="Send the hub your token, which a data set with terms asks for.")
@json_option
def import_command(
    folder: Path,
    file: str,
    preferences: bool,
    prompts_only: bool,
    demonstrations: bool,
    unranked: bool,
    columns: str,
    keep_map: str,
    encoding: str,
    labeler: str,
    split: Split | None,
    hub_config: str,
    hub_split: str,
    hub_token: bool,
    as_json: bool,
) -> None:
    """Import prompts, answers or preferences from FILE: text, CSV, JSON, Parquet, or hub:owner/name; its format is
    found out."""
    options = data.ReadOptions(data.named_mapping(columns) if columns else None, encoding)
    if keep_map and options.columns is not None:
        data.keep_mapping(keep_map, options.columns)
    with opened(folder) as project:
        path = Path(file)
        if (name := hub.name_of(file)) is not None:
            path, options, use = from_hub.bring(name, options, hub_config, hub_split, hub_token)
            split = split or use
        if demonstrations:
            _say_demonstrations(import_demonstrations(project, path, split=split, options=options), as_json)
            return
        found = data.preview(path, 0, options)
        _ask(path, found, options, prompts_only=prompts_only, unranked=unranked)
        if prompts_only or (found.what == "prompts" and not preferences):
            report = data.import_prompts(project, path, split=split, options=options, held="drop")
        else:
            report = data.import_preferences(project, path, labeler, split=split, options=options, held="drop")
    refused = [f"line {item.line}: {item.reason}" for item in report.refused]
    hazards = [sentence for sentence in (*found.hazards, found.note) if sentence]
    said = f"Read as {found.format}. Imported {report.imported}, {report.known} were there already."
    text = "\n".join([said, *hazards, *report.notes, *refused])
    values = {"added": report.added, "known": report.known, "unranked": report.unranked, "what": report.what}
    values |= {"format": found.format, "refused": refused, "hazards": hazards, "notes": report.notes}
    show(values, as_json, text)


def _say_demonstrations(report: data.Report, as_json: bool) -> None:
    refused = [f"line {item.line}: {item.reason}" for item in report.refused]
    said = f"Imported {report.added} demonstrations, {report.known} were there already."
    values = {"added": report.added, "known": report.known, "what": report.what, "refused": refused}
    show(values | {"notes": report.notes}, as_json, "\n".join([said, *report.notes, *refused]))


def _ask(
    file: Path, found: data.Preview, options: data.ReadOptions, *, prompts_only: bool, unranked: bool
) -> None:  # fmt: skip
    """Raises `BadInput` where the file would be read as less than it may hold, and nobody said that it is meant."""
    meant = prompts_only or (unranked and found.what == "answers")
    if not found.question or meant:
        return
    guessed = data.guess(file, options).text
    way = "--prompts-only" if found.what == "prompts" else "--unranked"
    raise BadInput(
        f"{found.question} That is {way}, or --map {guessed or 'prompt=COLUMN,chosen=COLUMN,rejected=COLUMN'}."
    )


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
        counts, by_hand = pairs.counts(project), pairs.by_hand(project)
    by = f"{counts.scripted} of them by a script" + (f", {counts.judged} by judges" if counts.judged else "")
    text = (
        f"{counts.rankings} rankings ({by}) of {counts.ranked_prompts} prompts give "
        f"{counts.pairs} pairs; {counts.ties} ties and {counts.flagged} flagged prompts give none."
    )
    written = f" {by_hand} of the pairs hold an answer that was written by hand." if by_hand else ""
    show(vars(counts) | {"by_hand": by_hand}, as_json, text + written)


COMMANDS = (import_command, export_command, pairs_command)
