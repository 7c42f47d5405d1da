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
    """Letters of the held-out examples that are watched, of all that are scored once more at a stage's end, and of what
    the scale of rewards is measured on, by all members."""

    watched: int
    at_end: int
    scale: int
    learning: float = 0.0
    """Seconds for each letter, in the last step."""
    scoring: float = 0.0
    """0 until something was measured since the run began or went on: the pace knows from then on how long it takes."""
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
        unknown = (0 if self.scoring else tests * self.watched) + (1 if self.ended else stages) * self.at_end
        return each * (unknown + self.scale)
