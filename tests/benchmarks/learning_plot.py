"""The frontier of reward and KL, drawn: each algorithm's way along training, best-of-n's and TRL's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.report.svg import BOTTOM, GREY, HEIGHT, LEFT, Plot
from tests.benchmarks.learning_table import BEST_OF, Run

#: Steps that a curve is averaged over.
SMOOTH = 5
#: Okabe and Ito's colours and more of their kind, all to be seen on white and on black; the same for an algorithm in
#: every plot.
COLOURS = {
    "ppo": "#1f83d0", "a2c": "#d55e00", "dpo": "#009e73", "dqn": "#cc79a7", "grpo": "#e0a000", "kto": "#8a8a00",
    "nlpo": "#56b4e9", "reinforce": "#8a63d2", "rloo": "#e0457b", "sft": "#2e9c9c", "soft-q": "#a8693a",
    "trpo": "#66a61e",
}  # fmt: skip
#: Where the key begins, and the distance of its lines where there is room.
TOP, LINE = 34, 16
Points = list[tuple[float, float]]


def frontier(rows: Mapping[str, dict[str, Any]], runs: Mapping[str, Sequence[Run]]) -> str:
    """Reward against KL along training, the mean over seeds smoothed over 5 steps, with a dot where each ended.

    Best-of-n is one grey line over its n, at the KL that follows from n. A gold reward beside it has a dashed line of
    the same colour; TRL's is dashed, too, in the colour of the algorithm.
    """
    best = {n: name for n in BEST_OF if (name := f"best-of-{n}") in rows}
    gold = any("gold_after" in row for row in rows.values())
    lines: list[tuple[Points, str, bool]] = []
    dots: list[tuple[float, float, str]] = []
    key: list[tuple[float, str, str]] = []
    for name, row in rows.items():
        if name in best.values():
            continue
        colour = COLOURS.get(name.removeprefix("trl-"), GREY)
        lines.append((path(runs[name]), colour, name.startswith("trl")))
        dots.append((row["kl"], row["reward_after"], colour))
        if gold:
            lines.append((path(runs[name], "objective/gold"), colour, True))
            dots.append((row["kl"], row["gold_after"], colour))
        key.append((row["reward_after"], name, colour))
    if best:
        largest = rows[best[max(best)]]
        for field, dashed in (("reward", False), ("gold", True)) if gold else (("reward", False),):
            line = [(0.0, largest[f"{field}_before"])]
            line += [(rows[name]["kl"], rows[name][f"{field}_after"]) for _, name in sorted(best.items())]
            lines.append((line, GREY, dashed))
            dots += [(*point, GREY) for point in line[1:]]
        key.append((largest["reward_after"], "best of n", GREY))
    points = [point for line, _, _ in lines for point in line] + [(x, y) for x, y, _ in dots]
    rewards = [reward for _, reward in points]
    highest, lowest = max(kl for kl, _ in points) or 1.0, min(0.0, *rewards)
    frame = Plot(
        (0, highest * 1.35),  # the key stands on the right
        (lowest, lowest + 1.08 * ((max(rewards) - lowest) or 1.0)),
        ("KL to the reference (nats a completion)", "reward"),
    )
    for line, colour, dashed in lines:
        frame.line(line, colour, dashed=dashed)
    for dot in dots:
        frame.dot(*dot)
    for n, name in best.items():
        if (right := frame.right(rows[name]["kl"]) - 6) > LEFT + LINE:  # clear of the axis
            frame.text(right, frame.down(rows[name]["reward_after"]) - 4, str(n), "end")
    step = min(LINE, (HEIGHT - BOTTOM - TOP) / max(1, len(key)))
    for place, (_, name, colour) in enumerate(sorted(key, reverse=True)):
        frame.text(frame.right(highest * 1.08), TOP + step * place, name, "start", colour)
    return frame.done(f"Reward against KL of each algorithm{', its gold reward dashed' if gold else ''}")


def path(runs: Sequence[Run], reward: str = "objective/scores") -> Points:
    """(KL, reward) of each step: seeds averaged, then a running mean. Of a peer that tells no KL of a completion, what
    the held-out prompts said."""
    if not all("objective/kl" in run["series"] and reward in run["series"] for run in runs):
        return [(point["kl"], point["reward"]) for point in runs[0].get("heldout", [])]
    steps = min(len(run["series"][name]) for run in runs for name in ("objective/kl", reward))
    each = np.array(
        [[[value for _, value in run["series"][name]][:steps] for name in ("objective/kl", reward)] for run in runs]
    ).mean(axis=0)  # (2, steps)
    parts = [each[:, max(0, step - SMOOTH + 1) : step + 1].mean(axis=1) for step in range(steps)]
    return [(float(kl), float(reward)) for kl, reward in parts]
