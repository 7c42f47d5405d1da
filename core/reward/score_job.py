"""The job `score`: what a reward model thinks of some completions, and where in them it changes its mind."""

from typing import Any

from core.config.job_configs import ScoreConfig
from core.errors import NothingToDo
from core.events import Progress, Result
from core.jobs.context import Events, JobContext
from core.report.scores import percentile, reference_rewards
from core.reward.judge import judge_of
from core.reward.model import encode
from core.reward.trace import trace


def run(context: JobContext) -> Events:
    config: ScoreConfig = context.config
    if not config.completions:
        raise NothingToDo("There is nothing to score: give at least one completion.")
    judge = yield from judge_of(
        context, reward_job=config.reward_job, reward_model=config.reward_model, ensemble=config.ensemble
    )
    try:
        found = judge.verdict(config.prompt, config.completions)
        values: dict[str, Any] = {
            "scores": found.rewards,
            "wins": found.wins,
            "columns": found.columns,
            "spread": found.spread,
            "reward_job": judge.job.id if judge.job else None,
            "scaled_by": judge.scaled_by,
        }
        if judge.job is not None:
            reference = reference_rewards(context.project, judge.job, combine=config.ensemble)
            values["percentiles"] = [percentile(reference, score) for score in found.rewards]
        if config.trace and judge.model is not None:
            ids, answers = encode(judge.model.shared.base, config.prompt, config.completions)
            traces = [trace(judge.model, ids, answer) for answer in answers]
            values["traces"] = [{"pieces": item.pieces, "rewards": item.rewards} for item in traces]
    finally:
        judge.close()
    yield Result(values)
    yield Progress(1, 1, "Scored")
