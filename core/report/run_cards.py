"""The policy's runs on the experiment's page: a table of all, curves that can be compared, and a card for each."""

from collections.abc import Sequence
from typing import Any

from core.config.metrics import METRICS
from core.humanize import duration
from core.preferences.statistics import Interval
from core.report import svg
from core.report.export import interval
from core.report.markup import figure, folded, paragraphs, quote, said, table
from core.report.outcomes import GOLD, KL, REWARD, Change, Measured, Outcome, Points, Setting
from core.report.story import number

CAPTIONS = {
    REWARD: "Reward: mean score of the answers that the policy wrote in each step.",
    GOLD: "Gold reward: mean of the same answers.",
    KL: "KL: how far those answers were from the reference's. A steep rise is a warning.",
}


def all_runs(outcomes: Sequence[Outcome], leading: Outcome | None) -> str:
    drawn = [run for run in outcomes if run.curves]
    boxes = {name: svg.around([run.curves[name] for run in drawn if name in run.curves]) for name in (REWARD, GOLD, KL)}
    older = len(outcomes) - len(drawn)
    more = f"{number(older, 'run')} without curves: only in the table." if older and drawn else ""
    return (
        _table(outcomes, leading)
        + (_together(drawn, boxes) if len(drawn) > 1 else "")
        + "".join(_card(run, boxes, told=run is leading) for run in drawn)
        + paragraphs([more], "muted")
    )


def samples(run: Outcome) -> str:
    """Prompts with the reference's answer and the tuned policy's side by side."""
    return "".join(
        f'<div class="sample"><div class="prompt" dir="auto">{said(item.prompt, 600)}</div><div class="sides">'
        f'<div><div class="kind">Before{_score(item.score_before)}</div>{quote(item.before)}</div>'
        f'<div class="after"><div class="kind">After{_score(item.score_after)}</div>{quote(item.after)}</div>'
        "</div></div>"
        for item in run.answers
    )


def settings(found: Sequence[Setting]) -> str:
    """`kl_coef 0.1, seed 3`, or a word that there are none."""
    return ", ".join(f"<code>{said(item.name)} {_value(item.value)}</code>" for item in found) or "none"


def _table(outcomes: Sequence[Outcome], leading: Outcome | None) -> str:
    """All runs, with the settings in which they differ from each other."""
    golden = any(run.best_known and run.best_known.gold for run in outcomes)
    chosen = [{item.name: _value(item.value) for item in run.settings} for run in outcomes]
    varied = [
        name
        for name in dict.fromkeys(name for each in chosen for name in each)
        if name != "steps" and len({each.get(name) for each in chosen}) > 1
    ]
    header = ["Run", "Algorithm", "Steps", "Reward", "Gain", *["Gold gain"] * golden, "KL", "Better", "Ended by",
              *[f"<code>{said(name)}</code>" for name in varied]]  # fmt: skip
    rows = []
    for run, values in zip(outcomes, chosen, strict=True):
        best = run.best_known
        rows.append([
            f"<b>{run.job_id}</b>" if run is leading else str(run.job_id),
            said(run.algorithm),
            f"{run.steps:,}",
            _before_after(best.reward if best else None),
            _gain(best.reward if best else None),
            *[_gain(best.gold if best else None)] * golden,
            _mean(best.kl if best else None, "{:.1f}"),
            _mean(best.wins if best else None, "{:.0%}"),
            f'<span class="line">{said((run.status == "done" and run.stop_reason) or run.status)}</span>',
            *[values.get(name, "–") for name in varied],
        ])  # fmt: skip
    note = (
        "Gain is that of the reward on held-out prompts, with its 95% interval; better is the share of tuned answers "
        "that score above the reference's. The reward is what a run strives for: judge it by the answers too."
    )
    if varied:
        note += " Of the settings, only those that differ between runs have a column; a dash is the default."
    return table(header, rows, numbers=range(2, 7 + golden)) + paragraphs([note], "muted")


def _together(drawn: Sequence[Outcome], boxes: dict[str, svg.Box]) -> str:
    named = list(zip(drawn, svg.SERIES, strict=False))
    figures = ""
    for metric in (REWARD, KL):
        lines = [(run.curves[metric], colour) for run, colour in named if metric in run.curves]
        legend = [(colour, f"Run {run.job_id}") for run, colour in named if metric in run.curves]
        if lines:
            figures += _figure(metric, lines, boxes[metric], legend)
    which = "All runs" if len(named) == len(drawn) else f"The newest {len(named)} runs"
    scale = "The plots of all runs have the same scale, here and below."
    return f'<h3>{which} together</h3>{paragraphs([scale], "muted")}<div class="figures">{figures}</div>'


def _card(run: Outcome, boxes: dict[str, svg.Box], *, told: bool) -> str:
    """One run: what was measured, its curves in the boxes of all runs, its settings and remarks."""
    spent = f", {duration(run.seconds)}" if run.seconds is not None else ""
    how = "Failed" if run.status == "failed" else "Ended by"
    about = f"{number(run.steps, 'step')}{spent}. {how}: {(run.stop_reason or run.status).rstrip('.')}."
    steered = f"Changed while it went: {', '.join(run.steered)}." if run.steered else ""
    known = [("Measured by the run", run.measured), ("Compared afterwards", run.compared)]
    measured = [(how, each) for how, each in known if each is not None]
    colours = {REWARD: svg.BLUE, GOLD: svg.ORANGE, KL: svg.BLUE}
    figures = "".join(
        _figure(metric, [(points, colours[metric])], boxes[metric]) for metric, points in run.curves.items()
    )
    chosen = [
        [f"<code>{said(item.name)}</code>", _value(item.value), _value(item.default), said(item.meaning)]
        for item in run.settings
    ]
    return (
        f'<div class="run"><h3>Run {run.job_id}: {said(run.algorithm)}</h3>{paragraphs([about, steered], "muted")}'
        f'<div class="figures">{_measured(measured) if measured else ""}{figures}</div>'
        + ("" if told else paragraphs(run.remarks, "muted"))
        + (folded("Settings unlike the defaults", table(("Setting", "Here", "Default", ""), chosen)) if chosen else "")
        + (folded("Answers before and after", samples(run)) if run.answers and not told else "")
        + "</div>"
    )


def _measured(found: Sequence[tuple[str, Measured]]) -> str:
    """A column for each measurement, a line for each number that one of them has."""
    header = ["", *(f"{how}<br>{number(each.prompts, 'prompt')}, {each.answers:,} answers each" for how, each in found)]
    rows: list[list[str]] = []
    for what, of in (("Reward", [each.reward for _, each in found]), ("Gold reward", [each.gold for _, each in found])):
        if any(of):
            rows.append([f"{what} before", *(_interval(each.before if each else None, "{:.2f}") for each in of)])
            rows.append([f"{what} after", *(_interval(each.after if each else None, "{:.2f}") for each in of)])
            rows.append(["<b>Gain</b>", *(_interval(each.gain if each else None, "{:+.2f}") for each in of)])
    rows.append(["Tuned answer scores higher", *(_interval(each.wins, "{:.0%}") for _, each in found)])
    rows.append(["KL to the reference, nats", *(_interval(each.kl, "{:.1f}") for _, each in found)])
    return table(header, rows)


def _interval(found: Interval | None, form: str) -> str:
    return "–" if found is None else said(interval(found, form))


def _before_after(change: Change | None) -> str:
    return "–" if change is None else f"{_mean(change.before, '{:.2f}')} → {_mean(change.after, '{:.2f}')}"


def _gain(change: Change | None) -> str:
    """The gain over its interval, which would make the column twice as wide beside it."""
    if change is None or change.gain.value is None:
        return "–"
    low, high = change.gain.low, change.gain.high
    between = "" if low is None or high is None else f"<br><small>{low:+.2f} to {high:+.2f}</small>"
    return f"{change.gain.value:+.2f}{between}"


def _mean(found: Interval | None, form: str) -> str:
    return "–" if found is None or found.value is None else form.format(found.value)


def _score(value: float | None) -> str:
    return "" if value is None else f" · reward {round(value, 2) + 0.0:+.2f}"  # no -0.00


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else said(str(value), 200) or "none"


def _figure(
    metric: str, lines: Sequence[tuple[Points, str]], box: svg.Box, legend: Sequence[tuple[str, str]] = ()
) -> str:
    return figure(svg.curves(lines, box, ("step", METRICS[metric].unit)), CAPTIONS[metric], legend)
