"""The chain from a point of a run's charts back to the people behind it: samples, prompts, reward model, rankings,
labelers, guidelines. What changed since is said; what earlier versions did not keep is said, too.
"""

from dataclasses import dataclass

from core.config.algorithms import LearnsFrom
from core.config.training import ALGORITHMS, Run, TrainPolicyJob, TrainRewardJob
from core.errors import BadInput
from core.jobs import queue
from core.records import Job
from core.runs import learnt_rankings, origins
from core.runs.learnt_rankings import Ranges
from core.store import Project, jobs, trail
from core.store.trail import SampleBehind, Source


@dataclass(frozen=True)
class Changed:
    """What became since of the rankings that a run learnt from: taken back, another in their place, deleted (a ranking
    goes when the import that brought it is undone)."""

    retracted: int = 0
    replaced: int = 0
    gone: int = 0


@dataclass(frozen=True)
class LearntFrom:
    """The rankings that a run learnt from. Where the run kept their numbers, `kept` are these and `tested` counts those
    that it was only tested on; else `rankings` is how many it can have learnt from, by their times."""

    run: int
    known: bool
    rankings: int
    tested: int = 0
    sources: tuple[Source, ...] = ()
    changed: Changed = Changed()
    kept: Ranges = ()


@dataclass(frozen=True)
class Scorer:
    """What gave the samples their scores: a run's reward model, and whatever else in words. `lost` is a run that is not
    there any more."""

    reward_job: int | None = None
    lost: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A step of a run of the policy. What it learns rankings from by itself (DPO) is in `learnt`, what its reward
    learnt from in `reward_learnt`; `may_have_learnt` says of a run that learnt answers that it did not keep which
    rankings chose them."""

    run: int
    name: str
    algorithm: str
    step: int
    steps: int
    values: dict[str, float]
    samples: tuple[SampleBehind, ...]
    scorer: Scorer
    reward_learnt: LearntFrom | None = None
    learnt: LearntFrom | None = None
    may_have_learnt: bool = False


def point(project: Project, run: int, step: int) -> Point:
    """What is behind a step of a run of the policy. Raises `BadInput` where there is no such point."""
    job = queue.get(project, run)
    if not isinstance(job, TrainPolicyJob):
        raise BadInput(f"Job {run} is no run of the policy: `runs` lists them.")
    with project.reading():
        values, samples = trail.values(project, run, step), trail.samples(project, run, step)
        if not values and not samples:
            raise BadInput(f"Run {run} has no step {step}: it has come to step {job.done} of {job.config.steps}.")
        scorer = scorer_of(project, job)
        by_run = scorer.reward_job is not None and not scorer.lost
        return Point(
            run, job.name, job.config.algorithm, step, job.config.steps, values, tuple(samples), scorer,
            learnt_from(project, scorer.reward_job or 0) if by_run else None,
            learnt_from(project, run) if learns_rankings(job) else None, may_have_learnt(job),
        )  # fmt: skip


def scorer_of(project: Project, job: TrainPolicyJob) -> Scorer:
    """What scores the samples of a run, as its settings and its result say."""
    config, found = job.config, job.result
    number = found.reward_job or config.reward_job or None
    others = []
    if config.train_on_gold:
        others.append(f"the gold reward {config.gold}")
    elif config.reward_model:
        others.append(f"the reward model in {config.reward_model}, which was made elsewhere")
    if config.rules:
        others.append(f"the rules {config.rules}")
    if config.train_on_gold or config.reward_model or config.rules_only:
        return Scorer(others=tuple(others))
    return Scorer(number, number is not None and jobs.find(project, number) is None, tuple(others))


def may_have_learnt(job: Job) -> bool:
    """Did it learn, or mix in, answers that rankings or verdicts may have chosen, of which it keeps no numbers?"""
    if not isinstance(job, TrainPolicyJob):
        return False
    mixes = job.config.ptx_coef > 0 and not job.config.ptx_text
    return mixes or _learns(job) in (LearnsFrom.ANSWERS, LearnsFrom.VERDICTS)


def learns_rankings(job: Job) -> bool:
    """Does it learn rankings by itself, without a reward model?"""
    return isinstance(job, TrainPolicyJob) and _learns(job) is LearnsFrom.RANKINGS


def _learns(job: TrainPolicyJob) -> LearnsFrom | None:
    kind = ALGORITHMS.get(job.config.algorithm)
    return kind.learns_from if kind else None


def learnt_from(project: Project, job_id: int) -> LearntFrom:
    """The rankings that a run learnt from. Raises `BadInput` for no run."""
    job = queue.get(project, job_id)
    if not isinstance(job, Run):
        raise BadInput(f"Job {job_id} is no run: `jobs` lists the ones there are.")
    found = learnt_rankings.of_run(project, job_id)
    if found is None:
        counted = trail.counting_by(project, began(job))
        return LearntFrom(job_id, False, counted.rankings, changed=Changed(counted.retracted))
    kept = found.learnt.ranges
    sources = trail.sources(project, kept)
    replaced = sum(number in found.learnt for number in trail.in_place_of(project, found.others))
    rankings, there = len(found.learnt), sum(each.rankings for each in sources)
    retracted = sum(each.retracted for each in sources)
    return LearntFrom(
        job_id, True, rankings, len(found.tested), tuple(sources), Changed(retracted, replaced, rankings - there), kept
    )


def began(job: Job) -> str:
    """When it read the rankings. One that was resumed went on with what it had read; when that was is not kept."""
    return (job.started_at if job.attempt <= 1 else None) or job.created_at


@dataclass(frozen=True)
class Influenced:
    """A job that a ranking had a part in. `how` says in which way, as a part of a sentence; `through` is the job
    between them, 0 for none. Not `sure` is what earlier versions did not keep."""

    job: int
    kind: str
    name: str
    status: str
    how: str
    through: int = 0
    sure: bool = True


@dataclass(frozen=True)
class Influence:
    """What a ranking has influenced, in the order in which it was made."""

    ranking: trail.RankingBehind
    jobs: tuple[Influenced, ...]


def influence(project: Project, ranking_id: int) -> Influence:
    """What a ranking has influenced. Raises `BadInput` for a number that no ranking has."""
    with project.reading():
        ranking = trail.ranking(project, ranking_id)
        if ranking is None:
            gone = trail.was_ranking(project, ranking_id)
            raise BadInput(
                f"Ranking {ranking_id} is not there any more: the import that brought it was undone."
                if gone
                else f"There is no ranking {ranking_id}."
            )
        found: dict[int, Influenced] = {}
        for job in sorted(queue.listed(project), key=lambda each: each.id):
            if said := _touched(project, job, ranking, found):
                found[job.id] = said
    return Influence(ranking, tuple(found.values()))


def _touched(
    project: Project, job: Job, ranking: trail.RankingBehind, found: dict[int, Influenced]
) -> Influenced | None:
    """How the ranking, or what it had a part in before, had a part in a job."""

    def said(how: str, through: int = 0, *, sure: bool = True) -> Influenced:
        return Influenced(job.id, str(job.kind), job.name, job.status, how, through, sure)

    if isinstance(job, TrainRewardJob) or learns_rankings(job):
        if own := _learnt(project, job, ranking):
            return said(own[0], sure=own[1])
    elif may_have_learnt(job) and _was_there(ranking, began(job)):
        return said("may have learnt an answer that it chose: such a run does not keep which rankings did", sure=False)
    named = [(number, words) for number, words in uses(job) if number in found]
    if not named:
        return None
    number, words = next((each for each in named if found[each[0]].sure), named[0])
    return said(words.format(number), number, sure=found[number].sure)


def _learnt(project: Project, job: Job, ranking: trail.RankingBehind) -> tuple[str, bool] | None:
    if not job.started_at:
        return None
    kept = learnt_rankings.of_run(project, job.id)
    if kept is None:
        maybe = _was_there(ranking, began(job))
        return ("may have learnt from it: it did not keep from which rankings", False) if maybe else None
    if ranking.id in kept.learnt:
        return "learnt from it", True
    return ("was tested on it", True) if ranking.id in kept.tested else None


def _was_there(ranking: trail.RankingBehind, moment: str) -> bool:
    return ranking.created_at <= moment and (not ranking.retracted_at or ranking.retracted_at > moment)


def uses(job: Job) -> list[tuple[int, str]]:
    """The runs that a job takes, each with how it is said; 0 stands for none."""
    config, result = job.config, job.result
    reward = int(getattr(result, "reward_job", None) or getattr(config, "reward_job", None) or 0)
    policy = int(getattr(result, "policy_job", None) or getattr(config, "policy_job", None) or 0)
    if isinstance(job, TrainPolicyJob):
        kind = ALGORITHMS.get(job.config.algorithm)
        asks = "was measured with" if kind and kind.offline else "was tuned against"
        return [
            (reward, f"{asks} the reward model of run {{}}"),
            (origins.run_named(job.config.start_from) or 0, "began from the policy of run {}"),
            (origins.reference_run(job.config) or 0, "measures KL to the policy of run {}"),
        ]
    words = {
        "compare": "compared the policy of run {}", "export-model": "wrote the policy of run {} as a model",
        "generate": "let the policy of run {} write completions for the next round",
    }  # fmt: skip
    mixed = getattr(config, "mix_with", 0)
    return [
        (policy, words.get(str(job.kind), "took the policy of run {}")),
        (mixed, words["generate"]),
        (reward, "scored with the reward model of run {}"),
    ]
