"""The reference's own answer to each training prompt, so that a sample can show how much better the policy does.

The answers are kept among the run's samples, each with the step in which its prompt first comes up; a resumed run finds
them there again. They are drawn for a few steps together: where few completions grow at once, each token costs a look
at all weights.
"""

from collections.abc import Sequence

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

    def __init__(
        self, context: JobContext, shared: SharedModel, reward: RewardFunction, coming: Sequence[Prompt] = ()
    ) -> None:
        """`coming` are the prompts in the order in which they first come up, where that is known. They are answered in
        the same company whether the run was interrupted or not, as many together as a step draws completions."""
        self.config: TrainPolicyConfig = context.config
        self.shared, self.reward = shared, reward
        self.scores: dict[int, float | None] = {**job_samples.scores_of(context.project, context.job_id, NAME)}
        self.coming, self.places = coming, {prompt.id: place for place, prompt in enumerate(coming)}
        self.ahead: dict[int, Sample] = {}
        self.temperature = self.config.temperature

    def answers(self, chosen: list[Prompt], live: LiveSettings) -> list[Sample]:
        """Answers to those of the prompts that have none yet, remembered."""
        new = {prompt.id: prompt for prompt in chosen if prompt.id not in self.scores}
        if live.temperature != self.temperature:
            self.ahead, self.temperature = {}, live.temperature
        while missing := [prompt for prompt in new.values() if prompt.id not in self.ahead]:
            self._draw(self._company(missing))
        found = [self.ahead.pop(number) for number in new]
        self.scores |= {number: sample.score for number, sample in zip(new, found, strict=True)}
        return found

    def _company(self, missing: Sequence[Prompt]) -> Sequence[Prompt]:
        """Those that are answered together with the first that lacks an answer."""
        place = self.places.get(missing[0].id)
        if place is None:
            return missing
        start = place - place % self.config.batch_size
        return self.coming[start : start + self.config.batch_size]

    def _draw(self, prompts: Sequence[Prompt]) -> None:
        found = evaluate.answers(
            self.shared, REFERENCE, [(prompt.id, prompt.conversation) for prompt in prompts], self.reward, name=NAME,
            max_new_tokens=self.config.max_new_tokens, temperature=self.temperature,
            seed=self.config.seed, micro_batch=self.config.micro_batch,
        )  # fmt: skip
        self.ahead |= {prompt.id: sample for prompt, sample in zip(prompts, found, strict=True)}
