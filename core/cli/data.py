"""Commands about prompts, rankings, pairs and files."""

import re
from pathlib import Path

import click

from core import data
from core.cli.output import folder_argument, json_option, opened, show, table
from core.errors import BadInput
from core.labeling import gold
from core.records import Group, Labeler, NewRanking
from core.store import Project, completions, guidelines, labelers, pairs, prompts, rankings


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
    text = f"Wrote {report.written} {report.what} to {file}. Not carried by {name}: {lost}."
    show({"written": report.written, "what": report.what, "lost": report.lost}, as_json, text)


@click.command("prompts")
@folder_argument
@click.option("--add", "added", multiple=True, help="Add this prompt. Repeatable.")
@click.option("--heldout", type=click.FloatRange(0, 0.99), help="Put this share of all prompts in the held-out split.")
@click.option("--search", default="", help="Only prompts with this text.")
@click.option("--limit", default=0, help="At most this many; 0 is all.")
@json_option
def prompts_command(
    folder: Path, added: tuple[str, ...], heldout: float | None, search: str, limit: int, as_json: bool
) -> None:
    """List the prompts, add some, or choose which are held out."""
    from core.records import Prompt

    with opened(folder) as project:
        if added:
            prompts.add(project, [Prompt(0, text) for text in added])
        if heldout is not None:
            prompts.split_heldout(project, heldout)
        found = prompts.listed(project, search=search, limit=limit)
    rows = [(item.id, item.split, ",".join(item.tags), item.text) for item in found]
    values = {"prompts": [{"id": i, "split": s, "tags": t, "text": x} for i, s, t, x in rows]}
    show(values, as_json, table(rows, ("id", "split", "tags", "text")))


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


@click.command()
@folder_argument
@click.option("--labeler", default="me", show_default=True, help="Your name.")
@click.option("--scripted", metavar="GOLD", help=f"Let a script rank everything by a gold reward: {gold.HELP}.")
@click.option("--group", "group_id", type=int, help="Rank this group of completions instead of the next one.")
@click.option("--order", help='An order such as "2>1=3>4": numbers as shown, > is better, = is a tie.')
@click.option("--flag", help="Flag the prompt instead of ordering its completions.")
@json_option
def rank(
    folder: Path, labeler: str, scripted: str | None, group_id: int | None, order: str | None, flag: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Rank completions: one after the other in the terminal, a single one, or all of them by a script."""
    with opened(folder) as project:
        if scripted:
            done = gold.rank_all(project, scripted)
            text = f"Ranked {len(done.ids)} prompts by the script {scripted!r}."
            show({"ranked": len(done.ids), "labeler": f"scripted: {scripted}"}, as_json, text)
            return
        person = labelers.named(project, labeler)
        queue = completions.group_ids(project, unranked_by=person.id)
        if order or flag:
            if group_id is None and not queue:
                raise BadInput("Everything is ranked: generate more completions, or name a --group.")
            group = completions.group(project, group_id if group_id is not None else queue[0])
            ranking = _rank(project, group, person, order, flag)
            show({"ranking": ranking, "group": group.id}, as_json, f"Ranked group {group.id}.")
            return
        ranked = sum(_ask(project, completions.group(project, item), person) for item in queue)
        show({"ranked": ranked}, as_json, f"Ranked {ranked} of {len(queue)} waiting.")


def _shown(group: Group, person: Labeler) -> list[int]:
    return rankings.shown_order(group.id, person.id, [item.id for item in group.completions])


def _rank(project: Project, group: Group, person: Labeler, order: str | None, flag: str | None) -> int:
    shown = _shown(group, person)
    ranks = parse_order(order, shown) if order else dict.fromkeys(shown)
    known = guidelines.flags(guidelines.current(project))
    if flag and known and flag not in known:
        raise BadInput(f"The guidelines define no flag {flag!r}: choose one of {', '.join(known)}.")
    return rankings.add(project, NewRanking(group.id, person.id, ranks, flag=flag)).ids[0]


def parse_order(text: str, shown: list[int]) -> dict[int, int | None]:
    """`2>1=3` over the shown completions: numbers count from 1; those left out are unranked.

    Raises `BadInput` for anything else.
    """
    ranks: dict[int, int | None] = dict.fromkeys(shown)
    for rank, tied in enumerate(text.replace(" ", "").split(">"), start=1):
        for number in tied.split("="):
            if not re.fullmatch(r"\d+", number) or not 1 <= int(number) <= len(shown):
                raise BadInput(
                    f"{number!r} is no completion: write an order such as 2>1=3, with numbers up to {len(shown)}."
                )
            if ranks[shown[int(number) - 1]] is not None:
                raise BadInput(f"{number} is in the order twice: name each completion once.")
            ranks[shown[int(number) - 1]] = rank
    return ranks


def _ask(project: Project, group: Group, person: Labeler) -> bool:
    """Show one group and store the answer; False if it was skipped. Aborts at the end of the input."""
    texts = {item.id: item.text for item in group.completions}
    click.echo(f"\n{group.prompt.text}\n", err=True)
    for number, item in enumerate(_shown(group, person), start=1):
        click.echo(f"  {number}  {texts[item]}", err=True)
    flags = ", ".join(guidelines.flags(guidelines.current(project)))
    while True:
        answer = click.prompt(f"Order (2>1=3), s to skip, f NAME to flag ({flags})", err=True).strip()
        if answer == "s":
            return False
        try:
            flag = answer[1:].strip() if answer.startswith("f ") else None
            _rank(project, group, person, None if flag else answer, flag)
            return True
        except BadInput as error:
            click.echo(str(error), err=True)


COMMANDS = (import_command, export_command, prompts_command, pairs_command, rank)
