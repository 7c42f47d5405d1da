"""Everything about an experiment in one piece: what was asked, ranked, learnt and tuned, and with what. No torch.

It only gathers: each number is computed where the window and the other commands take it from.
"""

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from core.config.jobs import CompareJob
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.jobs import queue
from core.machine import base_models
from core.preferences import agreement, judged_groups
from core.preferences.agreement import Agreement
from core.preferences.interval import Interval
from core.records import ACTIVE, Guidelines, Job, Labeler
from core.report import arena as results
from core.report.arena import ArenaResults
from core.report.measure import RewardReport, measure
from core.report.outcomes import Outcome, Setting, changed_settings, outcome
from core.runs import rounds
from core.store import Project, arenas, completions, guidelines, judgements, labelers, now, pairs, prompts, rankings
from core.store.prompts import Source

#: Runs that are told with curves and answers, newest first; of older ones the table has a line.
DETAILED = 12
#: Arenas that are told, the newest first.
ARENAS = 3
#: Prompts shown with both answers: of the run that comes first, and of each other one.
ANSWERS, FEWER_ANSWERS = 6, 2
PACKAGES = ("plumbline", "torch", "transformers", "peft", "accelerate", "numpy")


@dataclass(frozen=True)
class Data:
    """`labelers` are those who ranked, with how many rankings count; `rules` is what became of the rankings."""

    prompts: int
    heldout: int
    sources: list[Source]
    completions: int
    counts: pairs.Counts
    rules: dict[str, int]
    flags: dict[str, int]
    labelers: list[tuple[Labeler, int]]
    rounds: list[str]


@dataclass(frozen=True)
class Agreed:
    """`people` is False where nobody but simulated labelers can be compared. `steady` is each with themselves."""

    people: bool
    overall: Agreement
    labelers: dict[str, Agreement]
    steady: dict[str, Interval]
    lacks: str = ""


@dataclass(frozen=True)
class RewardModel:
    """One trained reward model as its run left it."""

    job_id: int
    created_at: str
    prompts: int | None
    pairs: int | None
    accuracy: float | None
    seed: int | None
    settings: list[Setting]


@dataclass(frozen=True)
class Experiment:
    """`report` is on the reward model that the leading run was tuned with, or else on the newest one. Of `going` runs
    of the policy nothing can be said yet."""

    name: str
    made_at: str
    model: str
    guidelines: Guidelines
    data: Data
    agreed: Agreed
    report: RewardReport | None
    reward_models: list[RewardModel]
    outcomes: list[Outcome]
    going: int
    arenas: list[ArenaResults]
    versions: dict[str, str]

    @property
    def leading(self) -> Outcome | None:
        """The run that is told first: the newest one of which it is known what it brought, else the newest."""
        known = [each for each in self.outcomes if each.best_known is not None]
        return next(iter(known or self.outcomes), None)


def gather(project: Project) -> Experiment:
    """Read an experiment as it stands now."""
    jobs = queue.listed(project)
    found = _outcomes(project, jobs)
    models = [job for job in jobs if isinstance(job, TrainRewardJob) and job.result.adapter]
    of_runs = [each.reward_job for each in found if each.best_known is not None][:1]
    reported = next((job for job in models if job.id in of_runs), next(iter(models), None))
    return Experiment(
        name=project.name,
        made_at=now(),
        model=base_models.parse(str(project.setting("model", base_models.EMBEDDED))).title,
        guidelines=guidelines.current(project),
        data=_data(project),
        agreed=_agreed(project),
        report=measure(project, reported.id) if reported else None,
        reward_models=[_reward_model(job) for job in models],
        outcomes=found,
        going=sum(isinstance(job, TrainPolicyJob) and job.status in ACTIVE for job in jobs),
        arenas=[results.results(project, each.name) for each in arenas.listed(project)[:ARENAS]],
        versions=versions(),
    )


def _outcomes(project: Project, jobs: list[Job]) -> list[Outcome]:
    """All runs of the policy that ended, newest first."""
    ended = [job for job in jobs if isinstance(job, TrainPolicyJob) and job.status not in ACTIVE]
    compared: dict[int | None, Job] = {}
    for job in jobs:  # the newest comparison on held-out prompts of each run
        if isinstance(job, CompareJob) and job.status == "done" and not job.config.prompts:
            compared.setdefault(job.result.policy_job, job)
    found: list[Outcome] = []
    for place, job in enumerate(ended):
        first = not any(each.answers for each in found)
        answers = (ANSWERS if first else FEWER_ANSWERS) if place < DETAILED or first else 0
        found.append(outcome(project, job, compared.get(job.id), details=place < DETAILED, answers=answers))
    return found


def _data(project: Project) -> Data:
    counts = pairs.counts(project)
    by_labeler = rankings.count_by_labeler(project)
    return Data(
        prompts=prompts.count(project),
        heldout=prompts.count(project, "heldout"),
        sources=prompts.sources(project),
        completions=completions.count(project),
        counts=counts,
        rules=judged_groups.rules(project, counts),
        flags=dict(Counter(judgements.flags(project)).most_common()),
        labelers=[(who, by_labeler[who.id]) for who in labelers.listed(project) if who.id in by_labeler],
        rounds=[rounds.line(each) for each in rounds.rounds(project)] if completions.by_tuned_policies(project) else [],
    )


def _agreed(project: Project) -> Agreed:
    """Among people; where fewer than two of them ranked the same, simulated labelers are taken in, and named so."""
    found, people = agreement.measure(project, people_only=True, by_tag=False, limit=0), True
    if not found.overall.groups:
        found, people = agreement.measure(project, by_tag=False, limit=0), False
    names = {who.id: who.name + who.mark for who in labelers.listed(project)}
    return Agreed(
        people,
        found.overall,
        {names[who]: each for who, each in found.labelers.items()},
        {names[who]: each for who, each in agreement.self_consistency(project).items()},
        found.lacks,
    )


def _reward_model(job: TrainRewardJob) -> RewardModel:
    result = job.result
    return RewardModel(
        job.id, job.created_at, result.prompts, result.pairs, result.accuracy,
        job.config.seed, changed_settings(job),
    )  # fmt: skip


def versions() -> dict[str, str]:
    """Of the interpreter and of what computes, as they are installed here; nothing is imported for it."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {"Python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"} | found
