"""What a model says by its own code of short sequences that stand alone: what every way to read it is measured by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.models.rows import Rows, from_lists
from core.models.vocabulary import vocabulary_logits

#: Two prompts with three answers to them.
PROMPTS = ([3, 1, 4, 2, 7, 8], [1, 5, 3, 6])
ANSWERS = ([[9, 2], [6, 5, 3]], [[8, 9, 7, 9]])
#: One answer to each prompt, by number.
ONE_EACH = (0, 2)
#: How far logits may be from the model's own, as a share of their norm, and in a format of 16 bits.
ALLOWED, ALLOWED_ROUGH = 1e-3, 0.1
#: What a model raises that cannot be read in some way.
UNFIT = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError, NotImplementedError)


@dataclass(frozen=True)
class Alone:
    """`logits` has for each answer those (n + 1, V) at its states s_0 .. s_n; `allowed` is how far others may be."""

    rows: Rows
    logits: list[Tensor]
    allowed: float

    def cases(self) -> Iterator["Alone"]:
        """Several answers to a prompt, and one to each."""
        yield self
        index = torch.tensor(ONE_EACH, device=self.rows.prompt_of.device)
        yield Alone(self.rows.select(index), [self.logits[row] for row in ONE_EACH], self.allowed)

    def read_by(self, model: Any, way: Callable[[Any, Rows, bool], Tensor]) -> bool:
        """Do states that are read this way, as `core.models.states.hidden_states` gives them, say the same?"""
        for case in self.cases():
            try:
                if not case.same(vocabulary_logits(model, way(model, case.rows, True))):
                    return False
            except torch.OutOfMemoryError:
                raise
            except UNFIT:
                return False
        return True

    def same(self, found: Tensor) -> bool:
        """Are logits (B, T + 1 or more, V) these, where the answers are?"""
        pairs = zip(found, self.logits, strict=True)
        return same(torch.cat([row[: len(own)] for row, own in pairs]), torch.cat(self.logits), self.allowed)


def same(found: Tensor, expected: Tensor, allowed: float) -> bool:
    """Are numbers (N, V) the expected ones, up to one that is added to a row and to a share of their norm?"""
    found, expected = (x.float() - x.float().mean(-1, keepdim=True) for x in (found, expected))
    return bool((found - expected).norm() <= allowed * expected.norm())


@torch.no_grad()
def alone(model: Any) -> Alone:
    """Asks a causal model, in eval mode; with the speed-ups off it is by transformers' own code."""
    rows = trial(model)
    prompts = [ids[inside] for ids, inside in zip(rows.prompt_ids, rows.is_prompt, strict=True)]
    found = []
    for group, ids, inside in zip(rows.prompt_of.tolist(), rows.response_ids, rows.is_response, strict=True):
        whole = torch.cat([prompts[group], ids[inside]])
        logits = model(input_ids=whole[None], use_cache=False).logits[0]
        found.append(logits[len(prompts[group]) - 1 :])
    return Alone(rows, found, ALLOWED if model.dtype == torch.float32 else ALLOWED_ROUGH)


@torch.no_grad()
def looks_ahead(model: Any, expected: Alone) -> bool:
    """Does what a model says of a token depend on those that follow?"""
    rows = expected.rows
    prompt = rows.prompt_ids[0][rows.is_prompt[0]]
    found = model(input_ids=prompt[None], use_cache=False).logits[0, -1:]
    return not same(found, expected.logits[0][:1], expected.allowed)


def trial(model: Any) -> Rows:
    """Common tokens: what makes no sense to a model drowns in the noise of bfloat16."""
    size = int(model.config.get_text_config().vocab_size)
    words: Callable[[list[int]], list[int]] = lambda numbers: [(300 + 7 * n) % size for n in numbers]  # noqa: E731
    answers = [[words(answer) for answer in group] for group in ANSWERS]
    return from_lists([words(prompt) for prompt in PROMPTS], answers, 0, next(model.parameters()).device)
