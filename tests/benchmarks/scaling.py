"""Does a PPO step cost in proportion to its work? Seconds against batch size, response length and epochs; and memory.

Each is doubled three times from a batch of 4 prompts, 16 new tokens and 1 epoch, while the others stay. 200 of the
smallest steps then show whether memory grows. Responses never end early, so that their length is what was asked.
"""

import argparse
from dataclasses import replace
from typing import Any

from tests.benchmarks.machine import load_base, median, prepare, prompts, resident_gigabytes
from tests.benchmarks.ppo import STEPS_WARM, Work

SMALLEST = {"batch": 4, "tokens": 16, "epochs": 1}
FACTORS = (1, 2, 4, 8)
LONG_RUN = 200


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    base = load_base(options)
    unused = base.model.get_output_embeddings().weight.shape[0] - 1
    base = replace(base, end_ids=(unused,))
    texts = prompts(options, base, 256)
    curves: dict[str, list[tuple[int, float]]] = {}
    for axis, smallest in SMALLEST.items():
        for factor in FACTORS:
            work = Work(base, texts, **(SMALLEST | {axis: smallest * factor}))
            steps = [work.step() for _ in range(options.runs + STEPS_WARM)][STEPS_WARM:]
            curves.setdefault(axis, []).append((factor, median([step["time/step"] for step in steps])))
            work.close()
    work = Work(base, texts, **SMALLEST)
    resident = []
    for _ in range(LONG_RUN):
        work.step()
        resident.append(resident_gigabytes())
    work.close()
    if options.svg:
        options.svg.write_text(plot(curves), encoding="utf-8")
    found: dict[str, Any] = {f"seconds_by_{axis}": [second for _, second in points] for axis, points in curves.items()}
    return found | {
        "largest_departure_from_a_line": max(departure(points) for points in curves.values()),
        "gb_after_20_steps": resident[19],
        f"gb_after_{LONG_RUN}_steps": resident[-1],
    }


def departure(points: list[tuple[int, float]]) -> float:
    """The largest distance from the line of least squares, as a share of what the line says."""
    import numpy as np

    x, y = np.array(points, dtype=float).T
    line = np.polyval(np.polyfit(x, y, 1), x)
    return float(np.abs(y / line - 1).max())


def plot(curves: dict[str, list[tuple[int, float]]]) -> str:
    from core.report.svg import BLUE, GREY, ORANGE, Plot

    tallest = max(seconds for points in curves.values() for _, seconds in points)
    frame = Plot((0, FACTORS[-1] * 1.25), (0, tallest * 1.08), ("times the smallest", "seconds a step"))
    words = {"batch": "batch", "tokens": "new tokens", "epochs": "epochs"}
    for (axis, points), colour in zip(curves.items(), (BLUE, ORANGE, GREY), strict=True):
        frame.line(points, colour)
        for point in points:
            frame.dot(*point, colour)
        frame.text(frame.right(points[-1][0]) + 8, frame.down(points[-1][1]) + 4, words[axis], "start", colour)
    return frame.done("Seconds of a PPO step against its size")
