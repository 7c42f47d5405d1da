"""Judges that give scores: a reward model, ours or one made elsewhere, and a gold reward."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.conversation import Conversation
from core.errors import BadInput
from core.labeling import gold as golds
from core.labeling.gold import Gold
from core.labeling.own_reward import Lost
from core.preferences.position_bias import side
from core.reward.judge import Judge


@dataclass(frozen=True)
class Scored:
    """On the N answers to one prompt: a score of each, equal ones are tied, and `wins` (N, N), the probability that the
    row beats the column. Or `why` there is none."""

    scores: Sequence[float] = ()
    wins: Sequence[Sequence[float]] = field(default_factory=tuple)
    why: str = ""


class Scores(Protocol):
    def scored(self, prompt: Conversation, answers: Sequence[str]) -> Scored: ...


class RewardScores:
    """A pair is won with the probability that the model was trained to give it (Bradley and Terry 1952)."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def scored(self, prompt: Conversation, answers: Sequence[str]) -> Scored:
        try:
            found = self.judge.verdict(prompt, answers)
        except BadInput as error:  # one is longer than the model reads
            return Scored(why=str(error).rstrip("."))
        return Scored(found.rewards, found.wins)


class GoldScores:
    def __init__(self, reward: Gold) -> None:
        self.reward = reward

    def scored(self, prompt: Conversation, answers: Sequence[str]) -> Scored:
        found = golds.values(self.reward, [(prompt.text, text) for text in answers])
        scores = [value for value in found if not isinstance(value, Lost)]
        if len(scores) < len(found):
            return Scored(why=next(str(value) for value in found if isinstance(value, Lost)))
        return Scored(scores, [[side(0.5 + one - two) for two in scores] for one in scores])
