"""Reading what a judge said: strictly, because what is guessed would be learnt from.

A verdict is A, B, or C for neither. What cannot be read is no verdict, and is told.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.preferences.position_bias import settled, side

LETTERS = ("A", "B", "C")
#: What the answer that was read first gets.
WON: Mapping[str, float] = {"A": 1.0, "B": 0.0, "C": 0.5}
TIE = 0.5
#: What may stand around a verdict: blanks, a point, and what marks it as bold.
AROUND = " \t\r\n*._`"
LINE = "Verdict:"
#: The share of the first token's probability that the letters must hold together to be read by it.
MOST = 0.5


@dataclass(frozen=True)
class Answer:
    """What a judge `said`, and what the answer that it read first got of it: 1, 0.5 for a tie, 0, or a probability
    between; None where nothing could be read, which `said` shows or explains. `mass` is the probability that it gave to
    the three verdicts together, where it is known."""

    said: str
    won: float | None
    mass: float | None = None


def of_text(text: str, *, explain: bool) -> str | None:
    """The verdict of a whole answer: the letter and nothing else; after words, in the last line, as it was asked."""
    line = text.strip().rpartition("\n")[2].strip(AROUND) if explain else text.strip(AROUND)
    if explain:
        if not line.startswith(LINE):
            return None
        line = line.removeprefix(LINE).strip(AROUND)
    return line if line in LETTERS else None


def of_first_token(first: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The probability of each letter, from the likeliest first tokens with their log-probabilities."""
    found = dict.fromkeys(LETTERS, 0.0)
    for token, logp in first:
        if token.strip() in found:
            found[token.strip()] += math.exp(min(logp, 0.0))
    return found


def of_probabilities(found: Mapping[str, float]) -> float:
    """What the answer that was read first gets: a tie where that is likeliest, or nothing is likelier; else its share
    of what is given to the three, a tie as half."""
    a, b, c = (found[letter] for letter in LETTERS)
    return TIE if a == b or c >= max(a, b) else (a + c / 2) / (a + b + c)


def read(text: str, first: Sequence[tuple[str, float]], *, explain: bool) -> Answer:
    """By the probabilities of the letters where they hold most of it and a letter was said, else by that letter."""
    letter = of_text(text, explain=explain)
    begins = of_text(text.strip().partition("\n")[0], explain=False)  # "A better one is B" begins with A, too
    found = of_first_token(first) if first and not explain else {}
    mass = min(sum(found.values()), 1.0) if found else None  # a server may say anything
    if begins is not None and mass is not None and mass >= MOST:
        return Answer(with_probabilities(text, found), of_probabilities(found), mass)
    return Answer(text, None if letter is None else WON[letter], mass)


def with_probabilities(text: str, found: Mapping[str, float]) -> str:
    """What was said, with the probability of each letter beside."""
    return f"{text} ({', '.join(f'{letter} {value:.4f}' for letter, value in found.items())})"


def of_both(forward: float, backward: float) -> float:
    """What A gets of both orders: `forward` where it was read first, `backward` where it was read second. A tie where
    the judge changed its mind, else the mean of both."""
    sides = settled(np.array([side(forward)]), np.array([side(backward)]))
    return TIE if sides[0] == TIE else (forward + backward) / 2
