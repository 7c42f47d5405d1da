"""A reward model's report as a file to send: one HTML page, Markdown with its plots beside it, or JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.errors import BadInput
from core.preferences.interval import Interval
from core.records import by_hand
from core.report import svg
from core.report.measure import RewardReport, Slice
from core.report.templates import clean, cut, render
from core.store import Project, now
from core.store.files import beside, lock_file

SUFFIXES = (".html", ".md", ".json")
#: What is looked at of one line.
LONGEST = 4_000


def write(project: Project, report: RewardReport, path: Path) -> Path:
    """Write the report in the format of the path's ending. Raises `BadInput` for another ending, and
    where the plots would go elsewhere."""
    if path.suffix == ".json":
        _write(path, json.dumps(asdict(report), indent=1) + "\n")
    elif path.suffix == ".md":
        folder = path.with_name(path.stem + "_plots")
        folder.mkdir(parents=True, exist_ok=True)
        if not lock_file.is_mine(folder):
            raise BadInput(f"{folder} is a link, or somebody else's folder: give another name, or remove it.")
        for name, (_, plot) in plots(report).items():
            _write(folder / f"{name}.svg", plot)
        _write(path, _markdown(project, report, folder.name))
    elif path.suffix == ".html":
        _write(path, _html(project, report))
    else:
        raise BadInput(f"{path.name} has no known ending: give one of {', '.join(SUFFIXES)}.")
    return path


def _write(path: Path, text: str) -> None:
    """An older one stays until the new one is whole."""
    with beside.file(path) as made:
        made.write_text(text, encoding="utf-8")


def interval(found: Interval, form: str = "{:.1%}") -> str:
    """`71.5% (68.0% to 74.9%)`, or a dash."""
    if found.value is None:
        return "–"
    if found.low is None or found.high is None:
        return form.format(found.value)
    return f"{form.format(found.value)} ({form.format(found.low)} to {form.format(found.high)})"


def headline(report: RewardReport) -> list[tuple[str, str]]:
    """What the report says first, as (name, value)."""
    floor = report.calibration_floor
    rows = [
        ("Held-out accuracy", interval(report.accuracy)),
        ("Chance", "50%"),
        (f"Always {report.length.rule}", interval(report.length.baseline)),
        ("Best completion found", interval(report.top)),
        ("Log loss (chance is 0.693)", interval(report.log_loss, "{:.3f}")),
        ("Log loss with the best temperature", _number(report.log_loss_scaled)),
        ("Temperature", _number(report.temperature, "{:.2f}")),
        ("Brier score", _number(report.brier)),
        ("Expected calibration error", _number(report.calibration_error, "{:.1%}")),
        ("The same of a perfectly calibrated model", _number(floor.expected if floor else None, "{:.1%}")),
        ("Correlation of reward and tokens", _number(report.length.correlation, "{:+.2f}")),
    ]
    if report.disagreement is not None:
        rows.append(("Disagreement of the members", _number(report.disagreement, "{:.3f}")))
    if report.length.per_token is not None:
        rows.append(("Length taken out of the raw score, for each token", _number(report.length.per_token, "{:.4g}")))
    if report.stopped:
        rows.append(("Training", report.stopped))
    rows.append(("Measured on", f"{report.pairs} pairs of {report.prompts} prompts that were not trained on"))
    if report.missing:
        rows.append(("Not measured on", report.missing))
    return [*rows, ("Rests on", " ".join(report.basis.sentences()))]


def warnings(report: RewardReport) -> list[str]:
    """What a reader must not overlook."""
    found = []
    if not report.pairs:
        found.append("No held-out prompt is ranked: nothing here tells how good the model is.")
    if report.collapsed:
        found.append("The scores are all alike: this model has learnt nothing.")
    low = report.accuracy.low
    if report.pairs and not report.collapsed and low is not None and low <= 0.5:
        found.append("The accuracy cannot be told from chance: rank more prompts before a policy is tuned.")
    if report.length.warns:
        found.append(report.length.verdict)
    return found


def parts(report: RewardReport) -> list[tuple[str, Sequence[Slice]]]:
    """The slices that there are, each under its title."""
    known = [
        ("By distance of ranks", report.by_distance),
        ("By length", report.by_length),
        ("By labeler", report.by_labeler),
        ("By tag", report.by_tag),
        ("By criterion", report.by_criterion),
        ("By member", report.by_member),
    ]
    return [(title, rows) for title, rows in known if rows]


def plots(report: RewardReport) -> dict[str, tuple[str, str]]:
    """Each plot by its file's name: its caption and its SVG."""
    found = {
        "reliability": (
            f"How often it is right against how sure it is. {report.calibration}".strip(),
            svg.reliability(report.bins),
        ),
        "scores": (
            "Scores of chosen and rejected completions",
            svg.histogram(np.array(report.chosen), np.array(report.rejected)),
        ),
    }
    if len(report.growth.measured) > 1:
        found["labels"] = ("How many more labels help", svg.growth(report.growth))
    for title, rows in parts(report):
        found[title.lower().replace(" ", "-")] = (f"Accuracy {title.lower()}", svg.slices(rows, title))
    return found


def _number(value: float | None, form: str = "{:.3f}") -> str:
    return "–" if value is None else form.format(value)


def _html(project: Project, report: RewardReport) -> str:
    return render(
        "reward_report.html.j2",
        title=f"Reward model {report.job_id} of {project.name}",
        day=now()[:10],
        report=report,
        warnings=warnings(report),
        headline=headline(report),
        plots=list(plots(report).values()),
    )


def _markdown(project: Project, report: RewardReport, folder: str) -> str:
    lines = [f"# Reward model {report.job_id} of {_plain(project.name)}", ""]
    lines += [f"{now()[:10]}; 95 % intervals are bootstraps over prompts.", ""]
    lines += [f"**{text}**\n" for text in warnings(report)]
    lines += ["| measure | value |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in headline(report)]
    lines += ["" if report.length.warns else report.length.verdict, "", report.growth.verdict, ""]
    lines += [f"![{caption}]({folder}/{name}.svg)\n" for name, (caption, _) in plots(report).items()]
    for title, rows in parts(report):
        lines += [f"## {title}", "", "| | accuracy | pairs |", "| --- | --- | --- |"]
        lines += [f"| {_plain(row.name)} | {interval(row.accuracy)} | {row.pairs} |" for row in rows] + [""]
    lines += ["## Worst errors", ""]
    for item in report.mistakes:
        lines += [f"### {_plain(cut(item.prompt, 600))}", ""]
        lines += [
            f"{_plain(item.labeler)} chose{_hand(item.chosen_by)}, against the model's {1 - item.probability:.0%}:",
            "",
            _quoted(item.chosen),
        ]
        lines += ["", f"over{_hand(item.rejected_by)}", "", _quoted(item.rejected), ""]
    return "\n".join(lines) + "\n"


def _hand(name: str) -> str:
    return f" ({_plain(by_hand(name))})" if name else ""


def _quoted(text: str) -> str:
    return "\n".join(f"> {_plain(line)}" for line in cut(text, 1500).splitlines())


def _plain(text: str) -> str:
    """A line of somebody else's in Markdown: none of its signs is a mark, a tag, a picture or a link."""
    line = clean(" ".join(text[:LONGEST].split()))
    return re.sub(r"([\\`*_{}\[\]()<>#|~!&:])", r"\\\1", line)
