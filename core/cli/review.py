"""Commands about how far the rankings can be trusted: agreement, bias, simulated labelers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.cli import judging
from core.cli.output import folder_argument, interval, json_option, opened, show, table
from core.cli.trust import asking
from core.labeling import gold
from core.labeling import simulate as simulation
from core.preferences import agreement as measures
from core.preferences import bias as biases
from core.preferences import judged
from core.runs import wishes
from core.store import calibration, groups, labelers
from core.texts import one_line
from core.trust import gate


@click.command()
@folder_argument
@click.option("--tag", default="", help="Only prompts with this tag.")
@click.option("--people", is_flag=True, help="Leave simulated labelers and judges out.")
@json_option
def agreement(folder: Path, tag: str, people: bool, as_json: bool) -> None:
    """How far labelers agree with each other, with the calibration set and with themselves."""
    with opened(folder) as project:
        everybody = labelers.listed(project)
        names = {who.id: who.name for who in everybody}
        marks = {who.name: who.mark for who in everybody}
        report = measures.measure(project, tag=tag, people_only=people, limit=10)
        rows: list[tuple[str, measures.Agreement]] = [("everybody", report.overall)]
        rows += [(names[who], item) for who, item in report.labelers.items()]
        rows += [(f"tag {name}", item) for name, item in report.tags.items()]
        steady = {names[who]: found for who, found in measures.self_consistency(project).items()}
        keys = calibration.keys(project)
        calibrated = {names[who]: measures.against_calibration(project, who) for who in names} if keys else {}
        worst = report.disagreements
        judges = [] if people else judged.every(project)
    cells = [
        (
            name + marks.get(name, ""), interval(item.pairwise), interval(item.alpha), interval(item.w),
            interval(item.tau_b), item.groups,
        )
        for name, item in rows
    ]  # fmt: skip
    parts = [table(cells, ("", "pairs alike", "alpha", "W", "tau-b", "prompts"))]
    if report.lacks:
        parts.append(report.lacks)
    if len(report.tags) == measures.MOST_TAGS:
        parts.append(f"At most {measures.MOST_TAGS} tags are measured: those of the most prompts.")
    parts += [f"{name} with themselves: {interval(found)}" for name, found in steady.items()]
    parts += [
        f"{name} with the calibration set: {interval(found.agreement)}, {found.ranked} of {found.total} ranked"
        for name, found in calibrated.items()
        if found.total
    ]
    parts += [line for found in judges for line in judging.told(found)]
    differ = [item for item in worst if item.agreement < 1]
    parts += [f"{item.agreement:.0%} of pairs alike: {one_line(item.prompt, 80)}" for item in differ]
    values = {
        "agreement": {name: asdict(item) for name, item in rows},
        "self_consistency": {name: asdict(found) for name, found in steady.items()},
        "calibration": {
            name: {"agreement": asdict(found.agreement), "ranked": found.ranked, "total": found.total}
            for name, found in calibrated.items()
        },
        "disagreements": [asdict(item) for item in worst],
        "left_out": report.left_out,
        "judges": {found.judge.name: judging.values(found) for found in judges},
    }
    show(values, as_json, "\n".join(parts))


@click.command()
@folder_argument
@json_option
def bias(folder: Path, as_json: bool) -> None:
    """Does the place on the screen, the length or haste decide?"""
    with opened(folder) as project:
        places, chance = biases.positions(project), biases.position_test(project)
        long, quick = biases.lengths(project), biases.speeds(project)
    rows: list[tuple[Any, ...]] = [
        (f"best at place {share.position}", interval(share.best), f"even: {share.expected:.3f}") for share in places
    ]
    rows += [("chance of such places", "-" if chance is None else f"{chance:.4f}", "chi-square")]
    rows += [("the longer wins", interval(long.longer_wins), "even: 0.500")]
    rows += [
        (f"longer by {low:g} to {high:g}", interval(share), f"{count} pairs")
        for low, high, share, count in long.buckets
    ]
    rows += [
        (f"seconds of {item.name}", f"{item.median_seconds:.1f}", f"{len(item.outliers)} of {item.n} unusual")
        for item in quick
    ]
    values = {
        "positions": [asdict(share) for share in places],
        "position_p": chance,
        "longer_wins": asdict(long.longer_wins),
        "speeds": [{"labeler": item.name, "median": item.median_seconds, "outliers": item.outliers} for item in quick],
    }
    show(values, as_json, table(rows, ("", "", "")))


@click.command("simulate")
@folder_argument
@click.option("--gold", "reward", default="sentiment", show_default=True, help=f"What it prefers: {gold.HELP}.")
@click.option("--personality", type=click.Choice(list(simulation.PERSONALITIES)), default="careful", show_default=True)
@click.option("--temperature", type=click.FloatRange(0), help="Noise instead of the personality's own; 0 is none.")
@click.option("--share", default=1.0, show_default=True, type=click.FloatRange(0, 1, min_open=True))
@click.option("--seed", default=0, show_default=True)
@json_option
def simulate_command(
    folder: Path, reward: str, personality: str, temperature: float | None, share: float, seed: int, as_json: bool
) -> None:
    """Let a simulated labeler rank what waits; its rankings are marked as a script's."""
    with opened(folder) as project:
        asking(lambda: gate.choose(project, wishes.of_gold(reward)))
        unscored = gold.Unscored()
        done = simulation.simulate(
            project, reward, personality, temperature=temperature, share=share, seed=seed, unscored=unscored
        )
        name = simulation.labeler(project, reward, personality, temperature).name
        left_out = groups.too_large(project)
    lacks = [unscored.sentence, groups.too_large_sentence(left_out)]
    text = " ".join([f"{name!r} ranked {len(done.ids)} prompts.", *filter(None, lacks)])
    counts = {"ranked": len(done.ids), "left_out": len(left_out), "unscored": unscored.groups}
    show({**counts, "labeler": name}, as_json, text)


COMMANDS = (agreement, bias, simulate_command)
