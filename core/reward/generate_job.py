"""The job `generate`, with a reward model that chooses where the best of several answers is kept."""

from collections.abc import Generator, Sequence

from core.config.jobs import GenerateConfig
from core.errors import BadInput
from core.events import Event
from core.jobs.context import Events, JobContext
from core.models import generate_job
from core.models.adapters import SharedModel
from core.models.writers import Chooser
from core.records import Prompt
from core.reward.judge import Judge
from core.reward.reward_function import RewardSpec, on_four_bits, reward_function


def run(context: JobContext) -> Events:
    config: GenerateConfig = context.config
    yield from generate_job.run(context, ByRewardModel(context, config.reward_job) if config.best_of > 1 else None)


class ByRewardModel(Chooser):
    """Chooses by the reward model of the run `reward_job`, 0 is the newest one. Raises `BadInput` if there is none."""

    def __init__(self, context: JobContext, reward_job: int = 0) -> None:
        self.context, self.spec = context, RewardSpec(reward_job)
        self.four_bit = on_four_bits(context.project, self.spec)
        self._judge: Judge | None = None

    def load(self, model: SharedModel) -> Generator[Event, None, None]:
        reward = yield from reward_function(self.context, self.spec, model)
        self._judge, self.judge = Judge(reward, model), reward.reward_job

    def scores(self, prompt: Prompt, texts: Sequence[str]) -> list[float]:
        """On the scale of `score`. Raises `BadInput` for answers that are too long for the model, with the prompt."""
        assert self._judge is not None, "it was loaded"
        try:
            return self._judge.verdict(prompt.conversation, texts).rewards
        except BadInput as error:
            raise BadInput(f"Prompt {prompt.id}: {error}") from error
