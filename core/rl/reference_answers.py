"""The reference's own answer to each training prompt, so that a sample can show how much better the policy does.

A prompt is answered when it first comes up, and with it those of the steps to come that are new, because an answer
beside others costs far less than one by itself. The answers are kept among the run's samples, where a resumed run finds
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
from core.rl.rollout_source import upcoming
from core.store.runs import job_samples

NAME = "reference"
#: So many prompts are answered together, if there are as many.
TOGETHER = 32


class ReferenceAnswers:
    """`scores` holds the reference's score by prompt id, None where its answer has none. `prompts` are those that the
    run trains on."""

    def __init__(self, context: JobContext, shared: SharedModel, reward: RewardFunction, prompts: list[Prompt]) -> None:
        self.config: TrainPolicyConfig = context.config
        self.shared, self.reward, self.prompts = shared, reward, prompts
        self.scores = job_samples.scores_of(context.project, context.job_id, NAME)

    def answers(self, chosen: list[Prompt], live: LiveSettings, step: int) -> list[Sample]:
        """Answers to those of the prompts of a step that have none yet, and to some of later steps, remembered."""
        new = {prompt.id: prompt for prompt in chosen if prompt.id not in self.scores}
        if not new:
            return []
        for later in upcoming(self.prompts, self.config, step):
            fresh = {prompt.id: prompt for prompt in later if prompt.id not in self.scores}
            if not fresh or len(new | fresh) > TOGETHER:
                break
            new |= fresh
        found = evaluate.answers(
            self.shared, REFERENCE, [(prompt.id, prompt.conversation) for prompt in new.values()], self.reward,
            name=NAME, max_new_tokens=self.config.max_new_tokens, temperature=live.temperature,
            seed=self.config.seed, micro_batch=self.config.micro_batch, batch_size=TOGETHER,
        )  # fmt: skip
        self.scores |= {number: sample.score for number, sample in zip(new, found, strict=True)}
        return found
