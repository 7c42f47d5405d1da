"""The job `suggest`: which prompts to label next, because the reward model is least sure of them.

An ensemble's doubt about a pair is what its members disagree on: the entropy of their mean probability less the mean of
their entropies, which is the information that a label would bring about the model (BALD, Houlsby et al. 2011,
arXiv 1112.5745; for reward models Gleave and Irving 2022, arXiv 2203.07472). A single model cannot tell what it does
not know from what is a close call: its doubt is the entropy itself. A group's doubt is the mean over its pairs (nats).
"""

import random

import torch
from torch import Tensor

from core.config.scoring import SuggestConfig, SuggestResult
from core.errors import BadInput, NothingToDo
from core.events import Priorities, Progress, Result
from core.jobs.context import Events, JobContext
from core.reward.judge import judge_of
from core.reward.model import encode
from core.store import completions, groups

STAGE = "Asking the reward model what it is unsure of"


def run(context: JobContext) -> Events:
    config: SuggestConfig = context.config
    waiting = groups.without_rankings(context.project)
    if not waiting:
        raise NothingToDo("Every group of completions is ranked: generate more before asking what to rank next.")
    if config.limit and len(waiting) > config.limit:
        waiting = sorted(random.Random(config.seed).sample(waiting, config.limit))
    judge = yield from judge_of(context, reward_job=config.reward_job)
    doubts: dict[int, float] = {}
    try:
        assert judge.model is not None
        yield Progress(0, len(waiting), STAGE)
        for number, group_id in enumerate(waiting, 1):
            try:
                group = completions.group(context.project, group_id)
                ids, answers = encode(
                    judge.model.shared.base, group.prompt.conversation, [c.text for c in group.completions]
                )
            except BadInput:  # deleted meanwhile, or longer than the model's context: nothing to learn from
                continue
            doubts[group_id] = doubt(judge.model.raw_scores([ids], [answers])[0][..., 0])
            yield from judge.told(last=number == len(waiting))
            yield Progress(number, len(waiting), STAGE)
            if context.stopping:
                return
    finally:
        judge.close()
    yield Priorities(doubts)
    mean = sum(doubts.values()) / max(len(doubts), 1)
    yield Result(SuggestResult(groups=len(doubts), doubt=mean, reward_job=judge.job.id if judge.job else None))


def doubt(raw: Tensor) -> float:
    """Mean doubt (nats) over the pairs of N completions, from raw scores (M, N)."""
    first, second = torch.triu_indices(raw.shape[1], raw.shape[1], offset=1)
    p = torch.sigmoid(raw[:, first] - raw[:, second])  # (M, pairs)
    if len(raw) == 1:
        return float(_entropy(p[0]).mean())
    return float((_entropy(p.mean(0)) - _entropy(p).mean(0)).mean())


def _entropy(p: Tensor) -> Tensor:
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))
