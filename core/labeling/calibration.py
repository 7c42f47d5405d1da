"""What a labeler is told after the calibration set: how far they order as its author does."""

from dataclasses import dataclass

from core.preferences.agreement import Calibration
from core.preferences.interval import Interval

#: From this share of the pairs on, a labeler reads the guidelines as they were meant.
ENOUGH = 0.75


@dataclass(frozen=True)
class Verdict:
    """`well` says whether the labeler may go on without reading the guidelines again."""

    well: bool
    text: str


def verdict(found: Calibration) -> Verdict:
    """In three sentences."""
    well = (found.agreement.value or 0.0) >= ENOUGH
    advice = (
        "You read the guidelines as they were meant."
        if well
        else "Read the guidelines again before you go on: below is where you and the author differ most."
    )
    return Verdict(
        well,
        f"These {found.ranked:,} prompts had the author's own order, too. You and the author order "
        f"{percent(found.agreement)} of the pairs alike. {advice}",
    )


def percent(share: Interval) -> str:
    """`83% (71 to 92)`."""
    if share.value is None:
        return "none"
    if share.low is None or share.high is None:
        return f"{100 * share.value:.0f}%"
    return f"{100 * share.value:.0f}% ({100 * share.low:.0f} to {100 * share.high:.0f})"
