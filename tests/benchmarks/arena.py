"""Is what an arena says true? Shares over simulated arenas whose truth is known, 95 % where an interval is meant.

Four policies (base, best-of-n, two tuned ones) of known strength answer 200 prompts; answers differ from prompt to
prompt, stronger policies write longer ones, and three voters differ in how much they like length, how sure they are and
when they call a tie. Votes are chosen by `next_vote`. `--runs` arenas of each kind; `--svg PATH` writes the plot that
the guide shows.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np

from core.report.svg import GREY, SERIES, Plot
from tests.core.report import simulated

SIZES = (20, 40, 60, 120)
SHOWN = {"win rate": "win rate", "at equal lengths": "at equal lengths", "table": "by the table"}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    truth = simulated.Truth()
    arenas = []
    for seed in range(options.runs):
        arenas.append(simulated.arena(seed, truth, SIZES))
        print(f"\rarenas: {seed + 1}/{options.runs}", end="", file=sys.stderr, flush=True)
    by_size = {size: simulated.together(each[size] for each in arenas) for size in SIZES}
    seeds = range(options.runs)
    further = {
        "judge": simulated.together(simulated.judging(seed) for seed in range(min(options.runs, 100))),
        "powered": simulated.together(simulated.powered(seed, truth) for seed in seeds),
        "equals": simulated.together(simulated.equals(seed) for seed in range(min(options.runs, 300))),
    }
    print(file=sys.stderr)
    rates = {name: [float(np.mean(by_size[size][name])) for size in SIZES] for name in by_size[SIZES[0]]}
    if options.svg:
        options.svg.write_text(plot(rates), encoding="utf-8")
    found: dict[str, Any] = {
        f"{name}, {size} votes": rates[name][place] for name in rates for place, size in enumerate(SIZES)
    }
    for kind, counted in further.items():
        found |= {f"{kind}, {name}": float(np.mean(values)) for name, values in counted.items()}
    return found | {"arenas": options.runs, "points": json.dumps(rates)}


def plot(rates: dict[str, list[float]]) -> str:
    """How often the intervals hold the truth against the votes, with what they should."""
    found = Plot((0, SIZES[-1] * 1.4), (0.8, 1.0), ("votes in the arena", "intervals that hold the truth"))
    found.line([(0, 0.95), (SIZES[-1], 0.95)], GREY, dashed=True)
    for place, (name, said) in enumerate(SHOWN.items()):
        points = list(zip(SIZES, rates[name], strict=True))
        found.line(points, SERIES[place])
        for point in points:
            found.dot(*point, SERIES[place])
        found.text(found.right(SIZES[-1] * 1.05), 34 + 16 * place, said, "start", SERIES[place])
    return found.done("How often intervals of an arena hold the truth, by number of votes")
