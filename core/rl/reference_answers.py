"""The reference's own answer to each training prompt, so that a sample can show how much better the policy does.

A prompt is answered when it first comes up. The answers are kept among the run's samples, where a resumed run finds
them again.
"""

from core.config.training import TrainPolicyConfig
from core.events import Sample
from core.jobs.context import JobContext
from core.models.adapters import REFERENCE, SharedModel
from core.records import Prompt
from core.reward.reward_function import RewardFunction
from core.rl import evaluate
from core.rl.adaptive_kl import LiveSettings
from core.store.runs import job_samples

NAME = "reference"


class ReferenceAnswers:
    """`scores` holds the reference's score by prompt id, None where its answer has none."""

    def __init__(self, context: JobContext, shared: SharedModel, reward: RewardFunction) -> None:
        self.config: TrainPolicyConfig = context.config
        self.shared, self.reward = shared, reward
        self.scores: dict[int, float | None] = {**job_samples.scores_of(context.project, context.job_id, NAME)}

    def answers(self, chosen: list[Prompt], live: LiveSettings) -> list[Sample]:
        """Answers to those of the prompts that have none yet, remembered."""
        new = list({prompt.id: prompt for prompt in chosen if prompt.id not in self.scores}.values())
        if not new:
            return []
        found = evaluate.answers(
            self.shared, REFERENCE, [(prompt.id, prompt.conversation) for prompt in new], self.reward, name=NAME,
            max_new_tokens=self.config.max_new_tokens, temperature=live.temperature,
            seed=self.config.seed, micro_batch=self.config.micro_batch,
        )  # fmt: skip
        self.scores |= {prompt.id: sample.score for prompt, sample in zip(new, found, strict=True)}
        return found
