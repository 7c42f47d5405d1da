"""Commands about several labelers: who ranks what, packs to rank elsewhere, and their way back."""

from dataclasses import asdict
from pathlib import Path

import click

from core.cli.output import folder_argument, json_option, opened, say, show, table
from core.errors import BadInput
from core.labeling import html_pack, pack_report, page_items
from core.labeling import pack as packs
from core.labeling.in_letters import order_of
from core.store import Project, arenas, assignments, labelers, packed_rankings
from core.store import conflicts as conflicting


@click.command()
@folder_argument
@click.option("--labeler", "names", multiple=True, help="A labeler who takes part. Repeatable; none ends it.")
@click.option("--overlap", default=1, show_default=True, help="How many of them rank each prompt.")
@json_option
def assign(folder: Path, names: tuple[str, ...], overlap: int, as_json: bool) -> None:
    """Share the prompts out, each to k of the labelers; later prompts follow. Without labelers, end it."""
    with opened(folder) as project:
        people = {labelers.named(project, name).id: name for name in names}
        if people:
            assignments.assign(project, people, overlap)
        else:
            assignments.unassign(project)
        shares = {people[who]: count for who, count in assignments.assigned(project).items()}
    show({"assigned": shares}, as_json, table(list(shares.items()), ("labeler", "prompts")) if shares else "Ended.")


@click.command()
@folder_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--labeler", required=True, help="For whom.")
@click.option("--arena", default="", help="An arena to vote in, too, in which policies go by letters.")
@click.option("--html", is_flag=True, help="A page that is ranked in any browser, on a phone too, without Plumbline.")
@click.option(
    "--method", type=click.Choice(page_items.METHODS), help="How a page ranks at first: pairwise is two at a time."
)
@json_option
def pack(
    folder: Path, file: Path, labeler: str, arena: str, html: bool, method: str | None, as_json: bool
) -> None:  # fmt: skip
    """Write a labeling pack: one file, ranked elsewhere without a model or a network, then merged."""
    if not html and html_pack.is_page(file):
        raise BadInput(f"{file.name} is the name of a page: add --html, or name the pack {file.stem}{packs.SUFFIX}.")
    if html and arena:
        raise BadInput("A page holds prompts to rank and no arena: leave out --html, or --arena.")
    if method and not html:
        raise BadInput("--method is of a page: add --html. In Plumbline itself each labeler chooses how to rank.")
    with opened(folder) as project:
        if html:
            waiting = html_pack.write(project, file, labeler, method or "order")
        else:
            waiting = packs.pack(project, file, labeler, arena)
        stays = packed_rankings.not_sent_back(project, labeler)
        asked = len({row[2] for row in arenas.texts(project, arenas.called(project, arena).id)}) if arena else 0
    if stays:
        say(stays, err=True)
    votes = f", and {asked} of the arena {arena!r} to vote on" if arena else ""
    text = f"{file} holds {waiting} prompts for {labeler} to rank{votes}."
    show({"waiting": waiting, "labeler": labeler, "arena_prompts": asked}, as_json, text)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@folder_argument
@json_option
def unpack(file: Path, folder: Path, as_json: bool) -> None:
    """Make a project of a labeling pack, to be ranked here."""
    found = packs.unpack(file, folder)
    show({"folder": str(found), "labeler": packs.labeler_of(file)}, as_json, f"{found} is ready to be ranked.")


@click.command()
@folder_argument
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def merge(folder: Path, file: Path, as_json: bool) -> None:
    """Take over the rankings and answers of a labeling pack. FILE is the pack that came back, or the answers of a page.

    Nothing is overwritten; merging twice changes nothing.
    """
    with opened(folder) as project:
        report = packs.merge(project, file)
    text = (
        f"{report.added} {'ranking is' if report.added == 1 else 'rankings are'} new, {report.known} were known, "
        f"{report.retracted} were taken back, "
        f"{report.restored} stand again, {report.conflicts} conflict with one made here (see `conflicts`); "
        f"{report.answers} written answers are new."
    )
    told = [f"{report.votes} votes in the arena are new."] if report.votes else []
    told += [f"{each}." for each in (pack_report.of_remarks(report.remarks),) if each]
    told += [f"{each}." for each in (pack_report.of_other_guidelines(report.reworded),) if each]
    show(asdict(report), as_json, "\n".join([text, *told, *report.refused, *report.begun_left]))


@click.command()
@folder_argument
@click.option("--take", type=click.Choice(["ours", "theirs"]), help="Which side of --id counts.")
@click.option("--id", "conflict_id", type=int, help="The conflict to resolve.")
@click.option("--seen", type=int, help="A newer ranking of the labeler's that you looked at, by its number.")
@json_option
def conflicts(folder: Path, take: str | None, conflict_id: int | None, seen: int | None, as_json: bool) -> None:
    """List the rankings that a labeler made in two places, or choose which one counts."""
    with opened(folder) as project:
        if take and conflict_id is not None:
            _take(project, conflict_id, take, seen)
        found = conflicting.listed(project)
        rows = [
            (each.id, each.labeler, *(f"{side}: {order_of(project, side)}" for side in (each.ours, each.theirs)),
             each.prompt[:60]) for each in found
        ]  # fmt: skip
    titles = ("id", "labeler", "ours", "theirs", "prompt")
    show({"conflicts": [asdict(item) for item in found]}, as_json, table(rows, titles))


def _take(project: Project, conflict_id: int, side: str, seen: int | None) -> None:
    known = [*conflicting.sides(project, conflict_id), *([] if seen is None else [seen])]
    try:
        conflicting.resolve(project, conflict_id, side, known)
    except conflicting.RankedSince as error:
        raise BadInput(f"{error} `conflicts` lists it; --seen {error.newest} says that you know it.") from error


COMMANDS = (assign, pack, unpack, merge, conflicts)
