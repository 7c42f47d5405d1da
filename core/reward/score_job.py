"""The job `score`: what a reward model thinks of some completions, and where in them it changes its mind."""

from dataclasses import replace

from core.config.scoring import ScoreConfig, ScoreResult, TokenTrace
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
        found = judge.verdict(config.asked, config.completions)
        result = ScoreResult(
            scores=tuple(found.rewards),
            wins=tuple(map(tuple, found.wins)),
            columns={name: tuple(values) for name, values in found.columns.items()},
            spread=tuple(found.spread),
            reward_job=judge.job.id if judge.job else None,
            scaled_by=judge.scaled_by,
        )
        if judge.job is not None:
            reference = reference_rewards(context.project, judge.job, combine=config.ensemble)
            result = replace(result, percentiles=tuple(percentile(reference, score) for score in found.rewards))
        if config.trace and judge.model is not None:
            ids, answers = encode(judge.model.shared.base, config.asked, config.completions)
            traces = (trace(judge.model, ids, answer) for answer in answers)
            found_traces = tuple(TokenTrace(tuple(item.pieces), tuple(item.rewards)) for item in traces)
            result = replace(result, traces=found_traces)
        yield from judge.told()
    finally:
        judge.close()
    yield Result(result)
    yield Progress(1, 1, "Scored")
