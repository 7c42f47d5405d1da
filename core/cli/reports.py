"""The reports: on a reward model, how good it is on prompts that it was not trained on; and on a whole experiment."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli.output import folder_argument, json_option, opened, show, table
from core.config.frontier import PolicyState
from core.errors import BadInput
from core.report import experiment, export, frontier, frontier_svg, page, story
from core.report.measure import measure
from core.store.files import beside


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


@click.command("frontier")
@folder_argument
@click.option("--policy-job", default=0, help="Run that all are measured as; 0 is the newest one.")
@click.option("--by", type=click.Choice(list(frontier.AXES)), default="reward", show_default=True,
              help="What is drawn and compared: the reward, the gold reward, or how often an answer scores higher than "
              "one of the reference's.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Draw it as .svg.")
@json_option
def frontier_command(folder: Path, policy_job: int, by: frontier.Axis, out: Path | None, as_json: bool) -> None:
    """Show what reward runs and their checkpoints reach at which KL, beside the best of n of the reference."""
    if out is not None and out.suffix != ".svg":
        raise BadInput(f"The frontier is drawn as .svg: give --out a name that ends so, not {out.name!r:.60}.")
    if out is not None and not out.expanduser().parent.is_dir():
        raise BadInput(f"{out.parent} is no folder: choose another place for the drawing.")
    with opened(folder) as project:
        found = frontier.gather(project, policy_job)
    if out is not None:
        with beside.file(out.expanduser()) as made:
            made.write_text(frontier_svg.drawn(found, by), encoding="utf-8")
    first = found.efficient(by)
    values = asdict(found) | {"efficient": [asdict(each.state) for each in found.points if each.state in first]}
    parts = [*frontier_table(found, by, first), *found.left_out, *found.notes]
    if out is not None:
        parts.append(f"Written to {out}.")
    show(values, as_json, "\n\n".join(parts))


def frontier_table(found: frontier.Frontier, by: frontier.Axis, first: set[PolicyState]) -> list[str]:
    """The points by KL; and what is missing, as sentences."""
    places: list[frontier.Point | frontier.BestOf] = [*found.points, *found.best_of]
    rows = []
    for each in sorted(places, key=frontier_svg.nats):
        if isinstance(each, frontier.BestOf):
            name, mark = ("the reference" if each.n == 1 else f"best of {each.n}, at most"), ""
        else:
            name, mark = f"{each.state.name}, {each.algorithm}", "*" if each.state in first else ""
        rows.append((name, frontier_svg.nats(each), *_cells(each), mark))
    parts = [table(rows, ("policy", "KL", "reward", "95%", "gold", "wins", "first"))] if rows else []
    measured = f"Measured as run {found.yardstick} is, by {found.reward}, on {found.prompts} held-out prompts."
    more = len(found.unmeasured)
    if more:
        measured += f" {more} {'checkpoint is' if more == 1 else 'checkpoints are'} not measured: `measure-frontier`."
    star = f"* no other checkpoint has more {frontier.AXES[by]} at no more KL" if first else ""
    return [*parts, *filter(None, (star, measured))]


def _cells(each: frontier.Point | frontier.BestOf) -> tuple[Any, ...]:
    reward = each.reward
    sure = None if reward.low is None else f"{reward.low:.2f} to {reward.high:.2f}"
    return reward.value, sure, each.gold.value, each.wins.value


COMMANDS = (report, experiment_command, frontier_command)
