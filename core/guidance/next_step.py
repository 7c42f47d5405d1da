"""What a project needs next on its way round the loop. No torch; a few indexed questions to the store."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from core.config.jobs import CompareJob, JobKind
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.guidance.steps import Step
from core.jobs import queue
from core.preferences.interval import proportion
from core.records import Job
from core.store import Project, groups, prompts, rankings, watched

AnyJob = TypeVar("AnyJob", bound=Job)
#: Ranked prompts from which a reward model is worth training.
ENOUGH = 20
#: So many of the newest prompts are looked through for what a round has to rank.
NEWEST = 1000
#: Prompts from which some are worth holding out.
SOME = 5


@dataclass(frozen=True)
class NextStep:
    """What to do, why, which step of the loop that is, and the kind of job that does it, if one does."""

    title: str
    why: str
    step: Step
    job: JobKind | None = None


def next_step(project: Project) -> NextStep:
    """The first thing that is missing, in the order of the loop."""
    newest = prompts.newest_id(project)
    if newest is None:
        why = "They are what the model answers and people rank."
        return NextStep("Write or import prompts", why, Step.PROMPTS)
    if not _holds_out(project, newest, project.edits("prompts")):
        if prompts.count_some(project, SOME) < SOME:
            return NextStep("Add more prompts", "One a line; some are held out later.", Step.PROMPTS)
        why = "What was learnt is measured on prompts that nobody learnt from."
        return NextStep("Hold some prompts out", why, Step.HOLD_OUT)
    reward_model = _newest(project, TrainRewardJob)
    if reward_model is None and (step := _to_rank(project)) is not None:
        return step
    if reward_model is None:
        why = "There are enough rankings to learn from."
        return NextStep("Train a reward model", why, Step.TRAIN_REWARD, job=JobKind.TRAIN_REWARD)
    policy = _newest(project, TrainPolicyJob)
    if policy is None or policy.id < reward_model.id:
        why = f"Against the reward model of run {reward_model.id}."
        if is_chance(reward_model):
            why = f"{why[:-1]}, which cannot be told from chance: better rank more first."
        return NextStep("Tune the policy", why, Step.TUNE, job=JobKind.TRAIN_POLICY)
    comparison = _newest(project, CompareJob)
    if comparison is None or comparison.id < policy.id:
        why = f"Read what run {policy.id} changed."
        return NextStep("Compare the policies", why, Step.COMPARE, job=JobKind.COMPARE)
    if left := groups.count_unranked_since(project, policy.id, NEWEST):
        why = "They were answered after the policy was tuned: the next round learns from them."
        return NextStep(f"Rank {_prompts(left)}", why, Step.RANK)
    why = "Let the tuned policy write, and rank that."
    return NextStep("Begin the next round", why, Step.GENERATE, job=JobKind.GENERATE)


@lru_cache(maxsize=1)
def _holds_out(project: Project, newest: int, edits: int) -> bool:
    """Is any prompt held out? Looks at all of them where none is: once for the newest prompt and the last edit."""
    return prompts.holds_out(project)


def _to_rank(project: Project) -> NextStep | None:
    """What is missing until there are enough rankings; None where there are."""
    missing = missing_rankings(project)
    if missing <= 0:
        return None
    waiting = _unranked(project, missing, *map(watched.states(project).get, ("completion_groups", "rankings")))
    unanswered = prompts.count_unanswered(project, missing - waiting)
    if waiting:
        why = "Until a reward model is worth training."
        if waiting + unanswered < missing:
            why = f"Then add prompts: with {ENOUGH} ranked a reward model is worth training."
        elif unanswered:
            why = f"Until a reward model is worth training. {unanswered} of them wait for completions."
        return NextStep(f"Rank {_prompts(waiting + unanswered)}", why, Step.RANK)
    if unanswered:
        return NextStep("Write completions", "The local model writes several for each prompt.", Step.GENERATE,
                        job=JobKind.GENERATE)  # fmt: skip
    why = f"All are ranked. A reward model can learn from them now, and better from {ENOUGH} prompts."
    return NextStep(f"Add {_prompts(missing)}", why, Step.PROMPTS)


@lru_cache(maxsize=1)
def _unranked(project: Project, most: int, *state: tuple[int, int] | None) -> int:
    """How many groups there are to rank. Looks at all of them where they are fewer than `most`: once for each state."""
    return groups.count_unranked(project, most)


def missing_rankings(project: Project) -> int:
    """Prompts still to be ranked until a reward model is worth training."""
    return ENOUGH - rankings.groups_ranked(project, ENOUGH)


def all_ranked(project: Project) -> bool:
    """Is something ranked, and nothing left to rank or to write completions for?"""
    left = groups.count_unranked(project, 1) or prompts.count_unanswered(project, 1)
    return rankings.exist(project) and not left


def is_chance(job: TrainRewardJob) -> bool:
    """Can the accuracy of a reward model on its held-out pairs not be told from guessing?

    By its interval over prompts, whose pairs are not independent; an older run has none, and its pairs are counted.
    """
    accuracy, pairs = job.result.accuracy, job.result.heldout_pairs
    if accuracy is None or not pairs:
        return False
    low = next((each.eval_accuracy_low for each in job.result.models), None)
    low = proportion(accuracy * pairs, pairs).low if low is None else low
    return low is not None and low <= 0.5


def _prompts(count: int) -> str:
    return f"{count} more {'prompt' if count == 1 else 'prompts'}"


def _newest(project: Project, record: type[AnyJob]) -> AnyJob | None:
    """The newest finished job of a kind."""
    return next(iter(queue.listed(project, record, status="done")), None)
