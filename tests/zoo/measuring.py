"""How far the program is from plain transformers and peft, which read every sequence alone, in float32.

What is left is rounding, as sums are taken in another order: in float64 the largest gap of gradients (Gemma 4's, 3e-5)
is 3e-7. So gradients, which have no size of their own, are compared as a share of the largest entry of all.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, GenerationConfig

from core.config.training import LoraConfig
from core.models.adapters import SharedModel
from core.models.decoding import CachedDecoder
from core.models.fast.varlen_decoding import VarlenDecoder, decoder_kind
from core.models.fast.varlen_states import reads_varlen
from core.models.load import Base
from core.models.logprobs import predictions
from core.models.rows import Ids, Rows, from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.models.states import last_states
from core.models.ways import ways_of
from core.reward.update import checkpointed
from tests.zoo.families import CACHE, LAID_OUT, WHOLE

POLICY, REWARD = "policy", "reward"
NEW = 8
#: With it an adapter changes a weight by half of what it is. With twice as much, rounding alone is beyond the tolerance
#: in SmolLM3's log-probabilities (1.2e-4; 1e-6 in float64) and Mamba's gradients (1.6e-4; 3e-7).
NOISE = 0.05


def words(seed: int, *lengths: int) -> list[Ids]:
    drawn = torch.Generator().manual_seed(seed)
    return [torch.randint(8, 250, (length,), generator=drawn).tolist() for length in lengths]


@dataclass(frozen=True)
class Case:
    prompts: list[Ids]
    answers: list[list[Ids]]

    def rows(self, base: Base) -> Rows:
        return from_lists(self.prompts, self.answers, base.pad_id, base.device)

    @property
    def pairs(self) -> Iterator[tuple[Ids, Ids]]:
        for prompt, group in zip(self.prompts, self.answers, strict=True):
            for answer in group:
                yield prompt, answer


SHORT = Case(words(1, 6, 3, 9), [words(2, 7, 1, 4), words(3, 12), words(4, 3, 9)])
#: Beyond every window that there is, and a short one beside it.
LONG = Case(words(5, 40, 3, 25), [words(6, 7), words(7, 5), words(8, 3)])
CASES = {"short": SHORT, "long": LONG}


def logp_of(model: Any, case: Case) -> Tensor:
    """Log-probabilities of all answers, one after the other."""
    found = []
    for prompt, answer in case.pairs:
        logits = model(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0, len(prompt) - 1 : -1]
        found.append(logits.float().log_softmax(-1)[range(len(answer)), answer])
    return torch.cat(found)


def ends_of(model: Any, case: Case) -> Tensor:
    """States (N, d) at the ends of all answers."""
    return torch.stack(
        [
            model.base_model(input_ids=torch.tensor([p + a]), use_cache=False).last_hidden_state[0, -1]
            for p, a in case.pairs
        ]
    )


def far(found: Tensor, expected: Tensor, *, share: bool = False) -> float:
    """The largest difference; as a `share` of the largest number."""
    gap = float((found.float() - expected.float()).abs().max())
    gap = gap / max(float(expected.abs().max()), 1e-9) if share else gap
    return gap if gap == gap else float("inf")


def mixed(values: Tensor) -> Tensor:
    """A sum of them with weights of both signs."""
    return (values.float() * torch.linspace(0, 40, values.numel()).cos().view_as(values)).sum()


def gradients(model: Any, adapter: str, loss: Tensor) -> dict[str, Tensor]:
    """Of an adapter's weights, by their names in the base."""
    weights = {key: weight for key, weight in model.named_parameters() if f".{adapter}." in key}
    found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    return {
        key.removeprefix("base_model.model.").replace(f".{adapter}.", "."): slope
        for key, slope in zip(weights, found, strict=True)
        if slope is not None
    }


def apart(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The largest difference as a share of the largest entry; endless where one has a gradient that the other lacks."""
    for key in ours.keys() ^ theirs.keys():
        if bool((ours.get(key, theirs.get(key))).any()):  # type: ignore[union-attr]
            return float("inf")
    both = ours.keys() & theirs.keys()
    largest = max(float(theirs[key].abs().max()) for key in both)
    return max(far(ours[key], theirs[key]) for key in both) / largest


class Measured:
    """A loaded base with a policy and a reward adapter that do something, and the same in transformers and peft."""

    def __init__(self, base: Base, model: Path, folder: Path) -> None:
        self.base, self.model = base, model
        self.shared = SharedModel(base)
        self.shared.add(POLICY, LoraConfig(lora_rank=2, lora_targets="all-linear"), seed=1)
        self.shared.add(REWARD, LoraConfig(lora_rank=2, lora_targets="attention"), seed=2)
        noise = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for weight in [*self.shared.parameters(POLICY), *self.shared.parameters(REWARD)]:
                weight.add_(torch.randn(weight.shape, generator=noise), alpha=NOISE)
        for name in (POLICY, REWARD):
            self.shared.save(name, folder / name)
        self.plain = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        self.tuned, self.scored = (
            PeftModel.from_pretrained(copy.deepcopy(self.plain), str(folder / name), is_trainable=True).eval()
            for name in (POLICY, REWARD)
        )

    def ways(self) -> tuple[str, str, str]:
        """How it is read in writing, scoring and training."""
        if reads_varlen(self.base.model, 8):
            return LAID_OUT if decoder_kind(self.base.model, 8) is VarlenDecoder else CACHE, LAID_OUT, LAID_OUT
        ways = ways_of(self.base.model)
        return (
            CACHE if ways.decoder is CachedDecoder else WHOLE,
            CACHE if ways.continues else WHOLE,
            CACHE if ways.learns else WHOLE,
        )

    @torch.no_grad()
    def logp(self) -> Iterator[tuple[str, float]]:
        """Log-probabilities, under the reference and the policy, and in the trunk's own graph for gradients."""
        for name, case in CASES.items():
            rows = case.rows(self.base)
            for role, theirs in ((None, self.plain), (POLICY, self.tuned)):
                with self.shared.role(role) as causal:
                    found = predictions(causal, rows, 1.0).logp[rows.is_response]
                yield f"{name} {role or 'reference'}", far(found, logp_of(theirs, case))

    def slopes(self) -> Iterator[tuple[str, float]]:
        """Gradients of log-probabilities and of the states that rewards are read at, as a share of the largest."""
        for name, case in CASES.items():
            rows = case.rows(self.base)
            with self.shared.role(POLICY, train=True) as causal:
                loss = mixed(predictions(causal, rows, 1.0).logp[rows.is_response])
                ours = gradients(causal, POLICY, loss)
            yield f"{name} policy", apart(ours, gradients(self.tuned, "default", mixed(logp_of(self.tuned, case))))
        theirs = gradients(self.scored, "default", mixed(ends_of(self.scored.get_base_model(), SHORT)))
        for recomputed in (False, True):
            with self.shared.role(REWARD, train=True) as causal, checkpointed(causal, recomputed):
                ours = gradients(causal, REWARD, mixed(self._ends(SHORT)))
            yield f"reward{' recomputed' if recomputed else ''}", apart(ours, theirs)

    @torch.no_grad()
    def states(self) -> Iterator[tuple[str, float]]:
        """Where rewards are read, as a share of the largest."""
        for name, case in CASES.items():
            with self.shared.role(REWARD):
                yield name, far(self._ends(case), ends_of(self.scored.get_base_model(), case), share=True)

    def _ends(self, case: Case) -> Tensor:
        base = self.base
        return last_states(base.model, case.prompts, case.answers, base.pad_id, base.device)

    @torch.no_grad()
    def greedy(self) -> Iterator[tuple[str, bool]]:
        """Is what is drawn at a temperature of nearly 0 what `generate` writes? Ties aside."""
        prompts = [SHORT.prompts[0], LONG.prompts[0], SHORT.prompts[1]]
        for role, theirs in ((None, self.plain), (POLICY, self.tuned)):
            with self.shared.role(role) as causal:
                rows = sample(
                    causal, prompts, max_new_tokens=NEW, temperature=1e-5, end_ids=self.base.end_ids,
                    pad_id=self.base.pad_id, generator=generator(0),
                )  # fmt: skip
            for number, prompt in enumerate(prompts):
                ours = rows.response_ids[number][rows.is_response[number]].tolist()
                yield f"{role or 'reference'} {number}", self._is_greedy(theirs, prompt, ours)

    def _is_greedy(self, model: Any, prompt: Ids, ours: Ids) -> bool:
        given = torch.tensor([prompt])
        written = model.generate(
            input_ids=given, attention_mask=torch.ones_like(given), generation_config=self._greedily
        )[0, len(prompt) :].tolist()
        if ours == written:
            return True
        same = next((n for n, pair in enumerate(zip(ours, written, strict=False)) if pair[0] != pair[1]), 0)
        # Where caches of transformers' own are wrong, what it says of the whole text is right.
        top = model(input_ids=torch.tensor([prompt + ours[:same]]), use_cache=False).logits[0, -1].float().topk(2)
        return ours[same] == int(top.indices[0]) or float(top.values[0] - top.values[1]) < 1e-3

    @cached_property
    def _greedily(self) -> GenerationConfig:
        return GenerationConfig(
            do_sample=False, max_new_tokens=NEW, eos_token_id=list(self.base.end_ids), pad_token_id=self.base.pad_id
        )

    def close(self) -> None:
        self.shared.close()


def beyond(found: Callable[[], Iterator[tuple[str, float]]], most: float) -> dict[str, float]:
    """What is further away."""
    return {name: gap for name, gap in found() if not gap <= most}


def wrong(found: Sequence[tuple[str, bool]] | Iterator[tuple[str, bool]]) -> list[str]:
    return [name for name, right in found if not right]
