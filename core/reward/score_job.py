"""The job `score`: what a reward model thinks of some completions."""

from core.configs import ScoreConfig
from core.errors import NothingToDo
from core.events import Progress, Result
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models.adapters import SharedModel
from core.models.load import base_of
from core.reward.model import load_run


def run(context: JobContext) -> Events:
    config: ScoreConfig = context.config
    if not config.completions:
        raise NothingToDo("There is nothing to score: give at least one completion.")
    reward_run = queue.run_of(context.project, config.reward_job, "train-reward")
    base = yield from base_of(context)
    shared = SharedModel(base)
    try:
        model = load_run(shared, context.project, reward_run.result["adapter"])
        scores = model.score(config.prompt, list(config.completions))
    finally:
        shared.close()
    yield Result({"scores": scores, "reward_job": reward_run.id})
    yield Progress(1, 1, "Scored")
