"""Completions that are good or bad by themselves, as batches to learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from core.config.algorithms import KTO
from core.config.options import as_stored
from core.config.training import TrainPolicyConfig
from core.errors import NothingToDo
from core.jobs.context import JobContext
from core.models.adapters import REFERENCE, SharedModel
from core.models.rows import Ids, Rows
from core.preferences.demonstrated import Demonstration
from core.preferences.judged_groups import best_of, judged_groups, worst_of
from core.reward.examples import draw_of, heldout_prompts
from core.rl.algorithms.kto import losses, reference_point
from core.rl.answer_source import KNOWN, MOST_MEASURED, AnswerSource, encoded
from core.rl.batches import VerdictBatch
from core.rl.pinned_answers import VERDICTS, learnt_before
from core.rl.reference_logps import ReferenceLogps, Stored, rows_of
from core.rl.rollout import POLICY, logprobs
from core.rl.rollout_source import Collector
from core.store import Project, completions, verdicts

NONE = (
    "There are no verdicts on answers to training prompts to learn from: give some in Rank (+ is good, - is bad), "
    "import thumbs, or take the best and the worst of rankings with --verdicts ranked."
)
NONE_LEFT = (
    "None of the {count} judged answers can be learnt: their prompts are held out, or they are longer than {longest} "
    "tokens with their prompt. Let some prompts be trained on, or set --max-length higher."
)
ONE_KIND = (
    "All {count} verdicts to learn from are {kind}, and KTO needs both kinds: say of some answers that they are "
    "{other}, or take the best and the worst of rankings, too, with --verdicts both."
)

#: By which training answers are dealt.
DEALT = "verdicts"


@dataclass(frozen=True)
class JudgedAnswer(Demonstration):
    """An answer that is good or bad; `ranked` tells those that are the best or the worst of a ranking."""

    good: bool = False
    ranked: bool = False


#: One with its prompt and its answer as tokens.
Encoded = tuple[JudgedAnswer, Ids, Ids]


def judged_answers(project: Project, wanted: str, whose: str = "everybody") -> list[JudgedAnswer]:
    """What `wanted` names (see the option `verdicts`); of both an answer's own verdicts come before its rank. What was
    ranked best is not good where anybody calls it bad, nor the worst bad where anybody calls it good, and nothing that
    was flagged is either."""
    cut_off, flagged, said = completions.unended(project), verdicts.flagged(project), verdicts.counting(project)
    found: list[JudgedAnswer] = []
    if wanted != "ranked":
        found += [
            JudgedAnswer(*each[:6], ended=each.completion_id not in cut_off, good=bool(each.good)) for each in said
        ]
    known = {each.completion_id for each in found} | flagged
    otherwise = {(each.completion_id, not each.good) for each in said}
    for group in judged_groups(project, criteria=False, whose=whose) if wanted != "single" else ():
        best, worst = best_of(group), worst_of(group)
        found += [
            JudgedAnswer(
                number, group.prompt_id, group.prompt, group.messages, group.split, text, number not in cut_off,
                good=number in best, ranked=True,
            )
            for number, text in zip(group.completion_ids, group.completions, strict=True)
            if (number in best) != (number in worst) and number not in known
            and (number, number in best) not in otherwise
        ]  # fmt: skip
    return found


def weights(options: KTO, good: int, bad: int) -> tuple[float, float]:
    """lambda_D and lambda_U: those that are chosen, else such that both kinds weigh the same in sum (equation 8 allows
    lambda_D n_D from 1 to 4/3 of lambda_U n_U); then the rarer kind weighs more than 1 each."""
    desirable, undesirable = options.desirable_weight, options.undesirable_weight
    if desirable and undesirable:
        return desirable, undesirable
    if desirable or undesirable:
        return desirable or undesirable * bad / good, undesirable or desirable * good / bad
    return max(1.0, bad / good), max(1.0, good / bad)


class VerdictSource(AnswerSource):
    """Judged answers of training prompts, in passes over a shuffled order; held-out ones are measured now and then."""

    def __init__(self, context: JobContext, shared: SharedModel, collector: Collector) -> None:
        """Raises `NothingToDo` where there are none, or only good or only bad ones."""
        super().__init__(context, shared, collector)
        self.options: KTO = context.options
        wanted = self.options.verdicts
        kept = context.pinned(VERDICTS, lambda: _stored(context.project, wanted, self.config))
        rows, before = [as_stored(JudgedAnswer, each) for each in kept["judged"]], set(kept["before"])
        held = heldout_prompts(rows, self.options.heldout_fraction, before)
        self.train, dropped = encoded(shared.base, [each for each in rows if each.prompt_id not in held], self.longest)
        heldout, more = encoded(shared.base, [each for each in rows if each.prompt_id in held - before], self.longest)
        heldout.sort(key=lambda each: draw_of(each[0].prompt_id))
        self.reference = ReferenceLogps(
            shared, self.config.micro_batch, self.config.batch_size, len(self.train), f"{self.config.seed}/{DEALT}",
            lambda number: _stored_answer(self.train[number]),
        )  # fmt: skip
        good = sum(each.good for each, _, _ in self.train)
        self.weights = self._weights(good, len(self.train) - good, len(rows))
        known = sum(each.prompt_id in held & before for each in rows)
        self.notes = [self._counted(good, len(heldout[:MOST_MEASURED]), known), *self.noted(dropped + more)]
        if len({each.prompt_id for each, _, _ in self.train}) < 2:
            self.notes.append("All verdicts are on one prompt: there is no answer to another one, and KTO's KL is 0.")
        self.heldout = self._made(heldout[:MOST_MEASURED], heldout) if heldout else None

    def _weights(self, good: int, bad: int, judged: int) -> tuple[float, float]:
        if not good + bad:
            raise NothingToDo(NONE_LEFT.format(count=judged, longest=self.longest) if judged else NONE)
        if not good or not bad:
            kind, other = ("good", "bad") if good else ("bad", "good")
            raise NothingToDo(ONE_KIND.format(count=good + bad, kind=kind, other=other))
        return weights(self.options, good, bad)

    def _counted(self, good: int, held: int, known: int) -> str:
        bad, ranked = len(self.train) - good, sum(each.ranked for each, _, _ in self.train)
        of_rankings = f", {ranked} of them the best and the worst of rankings" if ranked else ""
        measured = f"measured on {held} held-out" if held else "none is held out"
        measured += KNOWN.format(known) if known else ""
        one, other = self.weights
        return (
            f"Learns {good} good and {bad} bad answers{of_rankings}; a good one weighs {one:.3g}, a bad one "
            f"{other:.3g}; {measured}."
        )

    def batch(self, step: int) -> VerdictBatch:
        numbers = self.dealt(step, len(self.train), DEALT)
        return self._made([self.train[number] for number in numbers], self.train, numbers)

    def measure(self, step: int, *, last: bool = False) -> dict[str, float]:
        """Loss and margin of held-out answers under the policy after so many steps, where they are due."""
        if self.heldout is None or not self.is_due(step, last=last):
            return {}
        batch, beta = self.heldout, self.options.beta
        self.shared.report_status(f"Measuring {len(batch)} held-out answers")
        kl = reference_point(self.shared, batch, self.config.micro_batch)
        logp, _ = logprobs(self.shared, POLICY, batch.rows, 1.0, self.config.micro_batch)
        h = ((logp - batch.logp_ref) * batch.is_response).sum(1)
        found = {"eval/verdict_loss": float(losses(h, kl, batch.weight, beta).mean())}
        good = batch.weight > 0
        if good.any() and not good.all():
            found["eval/rewards/margins"] = beta * float(h[good].mean() - h[~good].mean())
        return found

    def _made(
        self, chosen: Sequence[Encoded], others: Sequence[Encoded], numbers: Sequence[int] | None = None
    ) -> VerdictBatch:
        """Each prompt with its answer, and once more with the next answer in the batch to another prompt (of `others`,
        where all in the batch answer one), as far as there is room for it. `numbers` are theirs in the training set."""
        desirable, undesirable = self.weights
        own, beside = list(map(_stored_answer, chosen)), list[Stored]()
        for place, (each, prompt, _) in enumerate(chosen):
            following = (chosen[(place + on) % len(chosen)] for on in range(1, len(chosen)))
            found = _other(each, chain(following, others))
            if found is not None and len(prompt) < self.longest:
                beside.append((prompt, [found[: self.longest - len(prompt)]]))
        weight = torch.tensor([desirable if each.good else -undesirable for each, _, _ in chosen])
        rows = rows_of(self.shared, own)
        logp_ref = self._logp_ref(rows) if numbers is None else self.reference.of(numbers, own, rows)
        mismatched = None
        if beside:
            others_rows = rows_of(self.shared, beside)
            mismatched = others_rows, self._logp_ref(others_rows)
        return VerdictBatch(rows, logp_ref, weight.to(self.shared.base.device), mismatched)

    def _logp_ref(self, rows: Rows) -> Tensor:
        return logprobs(self.shared, REFERENCE, rows, 1.0, self.config.micro_batch)[0]


def _stored_answer(of: Encoded) -> Stored:
    _, prompt, answer = of
    return prompt, [answer]


def _stored(project: Project, wanted: str, config: TrainPolicyConfig) -> dict[str, Any]:
    before = sorted(learnt_before(project, config))
    return {"judged": [asdict(each) for each in judged_answers(project, wanted, config.rankings_of)], "before": before}


def _other(of: JudgedAnswer, among: Iterable[Encoded]) -> Ids | None:
    """The first answer to another prompt."""
    return next((answer for each, _, answer in among if each.prompt_id != of.prompt_id), None)
