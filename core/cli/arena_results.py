"""`arena results`: what the votes of an arena say."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli.output import folder_argument, json_option, opened, show, table
from core.report import arena as results
from core.report.arena import ArenaResults, Standing
from core.report.arena_words import points, told


@click.command("results")
@folder_argument
@click.argument("name")
@click.option("--judge", default="", metavar="NAME", help="Show the verdicts of this judge instead of people's votes.")
@click.option("--tag", default="", help="Only prompts with this tag.")
@json_option
def results_command(folder: Path, name: str, judge: str, tag: str, as_json: bool) -> None:
    """Say who wins in the arena NAME of DIR, as far as votes tell: win rates, a table, what judges are worth."""
    with opened(folder) as project:
        found = results.results(project, name, tag=tag)
    shown = [found.of_judge(judge)] if judge else [each for each in found.standings if each.kind != "judge"]
    parts = [_standing(each, found) for each in shown]
    parts += [
        "\n".join(said)
        for each, said in zip(found.judges, found.judge_sentences, strict=True)
        if judge in ("", each.name)
    ]
    show(values(found), as_json, "\n\n".join(parts))


def values(found: ArenaResults) -> dict[str, Any]:
    """All of it as JSON has it, with null where a number is none; of each pair, too, whether a win may be
    `claimed`, and whether the votes on these two alone fit the table."""
    whole: dict[str, Any] = _plain(asdict(found))
    for standing, told_of in zip(found.standings, whole["standings"], strict=True):
        for pair, row in zip(standing.pairs, told_of["pairs"], strict=True):
            row |= {"claimed": pair.claimed, "fits": pair.fits}
    return whole


def _standing(standing: Standing, found: ArenaResults) -> str:
    rows = [(place.rank or "-", place.name, points(place.points), place.votes) for place in standing.table.places]
    pairs = [
        (
            f"{found.names[pair.one]} over {found.names[pair.two]}", told(pair.win_rate),
            told(pair.at_equal_lengths.win_rate), told(pair.modelled), pair.votes, pair.ties, pair.both_bad, pair.same,
        )
        for pair in standing.pairs
    ]  # fmt: skip
    tagged = [
        (f"{found.names[pair.one]} over {found.names[pair.two]}", tag, told(rate))
        for pair in standing.pairs
        for tag, rate in pair.by_tag.items()
    ]
    title = f"{standing.voice}: {standing.votes:,} votes on {standing.prompts:,} prompts"
    parts = [title + (f" with the tag {found.tag}" if found.tag else "")]
    if standing.votes:
        parts.append(table(rows, ("rank", "policy", "points", "votes")))
        heads = ("", "wins", "at equal lengths", "by the table", "votes", "ties", "both bad", "same answers")
        parts.append(table(pairs, heads))
        if tagged and not found.tag:
            parts.append(table(tagged, ("", "tag", "wins")))
    return "\n".join([*parts, *standing.sentences])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
