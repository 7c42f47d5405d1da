"""How long a reward model's run takes beside its steps, while their pace has not shown it (`core.jobs.pace`): what is
measured of it, and what comes after the last step. By letters, because nothing is made into tokens only for this."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: What scoring a letter takes of what learning from it takes, until something was scored: a pass forward in place of
#: one forward and back.
SCORING = 0.4


@dataclass
class Forecast:
    """Letters of the held-out examples that are watched, of all that are scored once more at a stage's end, and of the
    reference's completions, by all members."""

    watched: int
    at_end: int
    reference: int
    learning: float = 0.0
    """Seconds for each letter, in the last step."""
    scoring: float = 0.0
    tested: bool = False
    """Was something measured since the run began or went on? Its pace knows how long that takes from then on."""
    ended: bool = False
    """And has a stage ended?"""

    @contextmanager
    def learns(self, letters: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.learning = (time.monotonic() - began) / max(1, letters)

    @contextmanager
    def scores(self, letters: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.scoring = (time.monotonic() - began) / max(1, letters)

    def seconds(self, tests: int, stages: int) -> float:
        """Of what the pace does not know: `tests` are left in this stage, and so many `stages` have not ended."""
        each = self.scoring or SCORING * self.learning
        unknown = (0 if self.tested else tests * self.watched) + (1 if self.ended else stages) * self.at_end
        return each * (unknown + self.reference)
