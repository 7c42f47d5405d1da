"""What a project needs next on its way round the loop. No torch; a few indexed questions to the store."""

from dataclasses import dataclass

from core.jobs import queue
from core.store import Project

#: Ranked prompts from which a reward model is worth training.
ENOUGH = 20


@dataclass(frozen=True)
class NextStep:
    """What to do, why, and the tab where it is done."""

    title: str
    why: str
    tab: str


def next_step(project: Project) -> NextStep:
    """The first thing that is missing, in the order of the loop."""
    if not project.value("select exists (select 1 from prompts)"):
        return NextStep("Write or import prompts", "They are what the model answers and people rank.", "Instructions")
    if not project.value("select exists (select 1 from completions)"):
        return NextStep("Write completions", "The local model writes several for each prompt.", "Rank")
    done = {kind: _newest(project, kind) for kind in ("train-reward", "train-policy", "compare")}
    ranked = project.value("select count(*) from (select distinct group_id from rankings limit ?)", ENOUGH)
    if not done["train-reward"] and ranked < ENOUGH and (missing := ENOUGH - ranked):
        prompts = "prompt" if missing == 1 else "prompts"
        return NextStep(f"Rank {missing} more {prompts}", "Until a reward model is worth training.", "Rank")
    if not done["train-reward"]:
        return NextStep("Train a reward model", "There are enough rankings to learn from.", "Reward model")
    if done["train-policy"] < done["train-reward"]:
        return NextStep("Tune the policy", f"Against the reward model of run {done['train-reward']}.", "PPO")
    if done["compare"] < done["train-policy"]:
        return NextStep("Compare the policies", f"Read what run {done['train-policy']} changed.", "Compare")
    return NextStep("Begin the next round", "Let the tuned policy write, and rank that.", "Rank")


def _newest(project: Project, kind: str) -> int:
    """The newest finished job of a kind; 0 is none."""
    return next((job.id for job in queue.listed(project, kind=kind, status="done")), 0)
