"""The job `verify`: the first steps of a run once more, from what it began with, beside what it recorded.

Nothing of the run is written: it is done from a connection that cannot write, and what it would save is left out.
"""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import Any

from core.config.jobs import algorithm_config, job_config
from core.config.training import Run, TrainPolicyJob
from core.config.verifying import VerifyConfig, VerifyResult
from core.events import Event, Loaded, Metrics, Note, Progress, Result, Rollback
from core.jobs.context import Events, JobContext
from core.models import environment
from core.reward import train_job as reward_job
from core.rl import train_job as policy_job
from core.runs import environments, verification
from core.runs.verification import Difference
from core.store import Project, jobs


def run(context: JobContext) -> Events:
    config: VerifyConfig = context.config
    job = verification.run_to_verify(context.project, config)
    recorded = verification.recorded(context.project, job.id)
    steps = verification.steps_of(context.project, job)[: config.steps]
    stage = f"Doing run {job.id} again"
    values, found, done = 0, list[Difference](), 0
    yield Progress(0, len(steps), stage)
    with closing(context.project.read_only()) as project, closing(_again(context, project, job)) as events:
        for event in events:
            if isinstance(event, Loaded):
                yield event
            elif isinstance(event, Metrics):
                then = {
                    name: value for name, points in recorded.items() for step, value in points if step == event.step
                }
                values += len(then.keys() & event.values.keys())
                found += verification.differences(then, event.values, event.step)
                done = event.step if event.step in steps else done
                yield Progress(min(done, len(steps)), len(steps), stage)
            if isinstance(event, Rollback):  # its checkpoints are the run's own
                yield Note(event.text)
            if context.stopping or done >= steps[-1] or isinstance(event, Rollback):
                break
            if isinstance(event, Progress) and not done:
                yield Progress(0, len(steps), stage)
    result = _result(context, job, found, values, done)
    yield Note(verification.sentence(result))
    yield Result(result)
    yield Progress(len(steps), len(steps), "Done")


def _again(context: JobContext, project: Project, job: Run) -> Generator[Event, None, None]:
    """What the run says when it is done again. Raises `KnownError` where it cannot be."""
    asked = jobs.config_values(project, job.id)
    options: Any = algorithm_config(asked) if isinstance(job, TrainPolicyJob) else None
    own = replace(
        context, project=project, job_id=job.id, config=job_config(str(job.kind), asked), options=options,
        resume_from=None, resume_step=0, wanted="run", again=True,
    )  # fmt: skip
    events = policy_job.run(own) if isinstance(job, TrainPolicyJob) else reward_job.run(own)
    with closing(events):  # type: ignore[type-var]
        yield from events


def _result(context: JobContext, job: Run, found: list[Difference], values: int, done: int) -> VerifyResult:
    if not values:
        return VerifyResult(run=job.id)
    known = [each for each in environments.of_run(context.project, job.id) if each.step < max(done, 1)]
    now = environment.of(context, context.cache["base"])
    elsewhere = verification.elsewhere(known[-1] if known else None, now)
    allowed = verification.tolerance(now.dtype, known[-1].dtype if known else now.dtype)
    beyond = next((each for each in found if not each.is_rounding(allowed)), None)
    result = VerifyResult(run=job.id, steps=done, values=values, elsewhere=elsewhere)
    first = beyond or next(iter(found), None)
    if first is None:
        return replace(result, verdict="same")
    verdict = "different" if beyond else "rounding"
    return replace(
        result, verdict=verdict, metric=first.metric, step=first.step, then=first.then, now=first.now,
        largest=max(each.size for each in found), note=verification.names_code(job.config),
    )  # fmt: skip
