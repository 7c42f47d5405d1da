"""The policy's runs on the experiment's page: a table of all, curves that can be compared, and a card for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from core.config.metrics import METRICS
from core.config.titles import setting_title
from core.humanize import duration
from core.preferences.interval import Interval
from core.report import svg
from core.report.export import interval
from core.report.outcomes import GOLD, KL, REWARD, Change, Measured, Outcome, Points, Setting
from core.report.story import number
from core.report.templates import clean, code, cut, render

CAPTIONS = {
    REWARD: "Reward: mean score of the answers that the policy wrote in each step.",
    GOLD: "Gold reward: mean of the same answers.",
    KL: "KL: how far those answers were from the reference's. A steep rise is a warning.",
}
#: Settings that have no column of their own: they are told otherwise, or how a run is done and not what it learns.
UNTOLD = ("algorithm", "steps", "on_trouble", "checkpoint_every", "keep_checkpoints", "micro_batch")
#: What makes rewards of runs hard to compare, and therefore stands first.
SIZES = ("max_new_tokens", "completions", "batch_size")
#: A cell of a table: a text, or HTML that is escaped already.
Cell = str | Markup


@dataclass(frozen=True)
class Figure:
    """A plot as SVG with its caption; `legend` has colours and what they stand for."""

    plot: str
    caption: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Card:
    """One run: what was measured, its curves in the boxes of all runs, its settings. `told` is what the page began
    with already."""

    run: Outcome
    told: bool
    about: str
    steered: str
    measured: tuple[Sequence[Cell], Sequence[Sequence[Cell]]] | None
    figures: Sequence[Figure] = field(default_factory=list)
    settings: Sequence[Sequence[Cell]] = field(default_factory=list)


def all_runs(outcomes: Sequence[Outcome], leading: Outcome | None) -> Markup:
    drawn = [run for run in outcomes if run.curves]
    boxes = {name: svg.around([run.curves[name] for run in drawn if name in run.curves]) for name in (REWARD, GOLD, KL)}
    older = len(outcomes) - len(drawn)
    named = list(zip(drawn, svg.SERIES, strict=False))
    return render(
        "runs.html.j2",
        **_table(outcomes, leading),
        together=_together(named, boxes) if len(drawn) > 1 else [],
        which="All runs" if len(named) == len(drawn) else f"The newest {len(named)} runs",
        cards=[_card(run, boxes, told=run is leading) for run in drawn],
        more=f"{number(older, 'run')} without curves: only in the table." if older and drawn else "",
    )


def settings(found: Sequence[Setting]) -> Cell:
    """`kl_coef 0.1, seed 3`, or a word that there are none."""
    return Markup(", ").join(code(f"{item.name} {_value(item.value)}") for item in found) or "none"


def _steered(run: Outcome) -> str:
    return f"Changed while it went: {', '.join(run.steered)}." if run.steered else ""


def _table(outcomes: Sequence[Outcome], leading: Outcome | None) -> dict[str, Any]:
    """All runs, with the settings in which they differ from each other."""
    golden = any(run.best_known and run.best_known.gold for run in outcomes)
    chosen = [{name: _value(value) for name, value in run.chosen.items()} for run in outcomes]
    varied = [
        name
        for name in dict.fromkeys(name for each in chosen for name in each)
        if name not in UNTOLD and len({each[name] for each in chosen if name in each}) > 1
    ]
    varied.sort(key=lambda name: name not in SIZES)
    header = ["Run", "Algorithm", "Steps", "Reward", "Gain", *["Gold gain"] * golden, "KL", "Better", "Ended by",
              *map(setting_title, varied)]  # fmt: skip
    rows = []
    for run, values in zip(outcomes, chosen, strict=True):
        best = run.best_known
        ended = (run.status == "done" and run.stop_reason) or run.status
        rows.append([
            Markup("<b>{}</b>").format(run.job_id) if run is leading else run.job_id,
            run.algorithm,
            f"{run.steps:,}",
            _before_after(best.reward if best else None),
            _gain(best.reward if best else None),
            *[_gain(best.gold if best else None)] * golden,
            _mean(best.kl if best else None, "{:.1f}"),
            _mean(best.wins if best else None, "{:.0%}"),
            Markup('<span class="line">{}</span>').format(clean(ended)),
            *[values.get(name, "–") for name in varied],
        ])  # fmt: skip
    note = (
        "Gain is that of the reward on held-out prompts, with its 95% interval; better is the share of tuned answers "
        "that score above the reference's. The reward is what a run strives for: judge it by the answers too."
    )
    if varied:
        note += (
            " Of the settings, those that differ between runs have a column; a dash: its algorithm has no such setting."
        )
    return {"header": header, "rows": rows, "numbers": range(2, 7 + golden), "note": note}


def _together(named: Sequence[tuple[Outcome, str]], boxes: dict[str, svg.Box]) -> list[Figure]:
    """The curves of several runs in one plot, each in its colour."""
    figures = []
    for metric in (REWARD, KL):
        lines = [(run.curves[metric], colour) for run, colour in named if metric in run.curves]
        legend = [(colour, f"Run {run.job_id}") for run, colour in named if metric in run.curves]
        if lines:
            figures.append(_figure(metric, lines, boxes[metric], legend))
    return figures


def _card(run: Outcome, boxes: dict[str, svg.Box], *, told: bool) -> Card:
    spent = f", {duration(run.seconds)}" if run.seconds is not None else ""
    how = "Failed" if run.status == "failed" else "Ended by"
    known = [("Measured by the run", run.measured), ("Compared afterwards", run.compared)]
    measured = [(how, each) for how, each in known if each is not None]
    colours = {REWARD: svg.BLUE, GOLD: svg.ORANGE, KL: svg.BLUE}
    return Card(
        run,
        told,
        about=f"{number(run.steps, 'step')}{spent}. {how}: {(run.stop_reason or run.status).rstrip('.')}.",
        steered=" ".join(filter(None, (run.began, _steered(run)))),
        measured=_measured(measured) if measured else None,
        figures=[_figure(metric, [(points, colours[metric])], boxes[metric]) for metric, points in run.curves.items()],
        settings=[[code(item.name), _value(item.value), _value(item.default), item.meaning] for item in run.settings],
    )


def _measured(found: Sequence[tuple[str, Measured]]) -> tuple[list[Cell], list[list[Cell]]]:
    """A column for each measurement, a line for each number that one of them has."""
    header = [
        Markup("{}<br>{}, {:,} answers each").format(how, number(each.prompts, "prompt"), each.answers)
        for how, each in found
    ]
    rows: list[list[Cell]] = []
    for what, of in (("Reward", [each.reward for _, each in found]), ("Gold reward", [each.gold for _, each in found])):
        if any(of):
            rows.append([f"{what} before", *(_interval(each.before if each else None, "{:.2f}") for each in of)])
            rows.append([f"{what} after", *(_interval(each.after if each else None, "{:.2f}") for each in of)])
            rows.append([Markup("<b>Gain</b>"), *(_interval(each.gain if each else None, "{:+.2f}") for each in of)])
    rows.append(["Tuned answer scores higher", *(_interval(each.wins, "{:.0%}") for _, each in found)])
    rows.append(["KL to the reference, nats", *(_interval(each.kl, "{:.1f}") for _, each in found)])
    return ["", *header], rows


def _interval(found: Interval | None, form: str) -> str:
    return "–" if found is None else interval(found, form)


def _before_after(change: Change | None) -> str:
    return "–" if change is None else f"{_mean(change.before, '{:.2f}')} → {_mean(change.after, '{:.2f}')}"


def _gain(change: Change | None) -> Cell:
    """The gain over its interval, which would make the column twice as wide beside it."""
    if change is None or change.gain.value is None:
        return "–"
    low, high = change.gain.low, change.gain.high
    if low is None or high is None:
        return f"{change.gain.value:+.2f}"
    return Markup(f"{change.gain.value:+.2f}<br><small>{low:+.2f} to {high:+.2f}</small>")


def _mean(found: Interval | None, form: str) -> str:
    return "–" if found is None or found.value is None else form.format(found.value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else cut(str(value), 200) or "none"


def _figure(
    metric: str, lines: Sequence[tuple[Points, str]], box: svg.Box, legend: Sequence[tuple[str, str]] = ()
) -> Figure:
    return Figure(svg.curves(lines, box, ("step", METRICS[metric].unit)), CAPTIONS[metric], legend)
