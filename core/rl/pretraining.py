"""The pretraining mix of PPO-ptx: batches of the project's answers, or of a text, that a policy learns beside its
reward (Ouyang et al. 2022, arXiv 2203.02155, section 3.5 and equation 2).

The loss is that of supervised tuning: the mean of -log pi over the tokens, at temperature 1. How we differ from the
paper: the data are the demonstrations or a text of the person's own, and their gradient is that of the adapter alone.
"""

from collections.abc import Sequence
from dataclasses import asdict

from core.config.options import as_stored
from core.config.training import TrainPolicyConfig
from core.data import texts
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models.load import Base
from core.models.rows import Ids
from core.preferences.demonstrated import Demonstration
from core.rl import passes, pinned_answers
from core.rl.answer_source import encoded, noted, rows_of
from core.rl.batches import Batch
from core.trust.wish import place_of

#: The file in a run's folder that pins its text, and the characters of a text that are kept at most.
PINNED, MOST = "pretraining.json", 8_000_000

#: What a run mixes in, as it was when it began.
Pinned = texts.Texts | list[Demonstration]


def pinned(context: JobContext) -> Pinned | None:
    """None for a run that mixes nothing in. Raises `BadInput` for a text that cannot be read."""
    config: TrainPolicyConfig = context.config
    if not config.ptx_coef:
        return None
    if not config.ptx_text:
        return pinned_answers.mixed_in(context)
    kept = context.pinned(PINNED, lambda: asdict(texts.read(place_of(config.ptx_text), MOST)))
    return as_stored(texts.Texts, kept)


class PretrainingMix:
    """Passes over the answers, or over the windows of the texts, in an order that is shuffled anew in each."""

    def __init__(self, base: Base, config: TrainPolicyConfig, found: Pinned) -> None:
        """Raises `NothingToDo` where nothing is short or long enough to be learnt."""
        self.base, self.config, self.coef = base, config, config.ptx_coef
        longest = min(config.ptx_length, base.context)
        more: list[str]
        if isinstance(found, texts.Texts):
            self.items = [each for text in found.texts for each in windows(base.chat.running_text(text), longest)]
            what, more = f"{len(self.items)} windows of {longest} tokens of a text", _of_file(found)
        else:
            rows, dropped = encoded(base, found, longest)
            self.items = [(prompt, answer) for _, prompt, answer in rows]
            what, more = f"{len(self.items)} answers", noted(base, dropped, longest)
        if not self.items:
            raise NothingToDo(
                f"Nothing that is to be mixed in has 2 to {longest} tokens: set --ptx-length higher, or choose another "
                "text."
            )
        self.notes = [f"Mixes in {what}, {config.ptx_batch} in each optimizer step.", *more]

    def batch(self, place: int) -> Batch:
        chosen = passes.dealt(place, self.config.ptx_batch, len(self.items), f"{self.config.seed}/pretraining")
        return Batch(rows_of(self.base, [self.items[number] for number in chosen]))


def windows(ids: Sequence[int], length: int) -> list[tuple[Ids, Ids]]:
    """Windows of `length` tokens: the first is read, the others are learnt. Each begins with the token that ended the
    one before it, so that every token of a text but its first is learnt once."""
    starts = range(0, len(ids) - 1, length - 1)
    return [([ids[start]], list(ids[start + 1 : start + length])) for start in starts]


def _of_file(found: texts.Texts) -> list[str]:
    said = [f"{found.without} rows of the text's file have no `{texts.COLUMN}` and are left out."] * bool(found.without)
    return said + [f"Of the text's file only the beginning was read: {MOST:,} characters."] * found.cut
