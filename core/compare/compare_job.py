"""The job `compare`: the reference and a tuned policy answer the same prompts, and both are scored."""

from dataclasses import replace

from core.config.jobs import CompareConfig, CompareResult
from core.config.training import TrainPolicyJob
from core.conversation import Conversation
from core.errors import NothingToDo
from core.events import Note, Progress, Result, Sample, Samples
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.models import chat, drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import base_of
from core.reward.reward_function import RewardSpec, newest_if_any, on_four_bits, reward_function
from core.rl import evaluate, start
from core.rl.rollout import POLICY
from core.runs import origins
from core.runs.pinned_prompts import trained_on
from core.store import prompts

#: Prompts at a time, at most.
BATCH = 16


def run(context: JobContext) -> Events:
    config: CompareConfig = context.config
    policy_run = queue.run_of(context.project, config.policy_job, TrainPolicyJob)
    asked: list[tuple[int | None, Conversation]] = [(None, each) for each in config.asked]
    left_out = 0
    if not asked:
        heldout = prompts.listed(context.project, split="heldout")
        known = trained_on(context.project, policy_run.id)
        fresh = [(prompt.id, prompt.conversation) for prompt in heldout if prompt.id not in known]
        left_out = len(heldout) - len(fresh)
        asked = [*fresh[: config.limit or None]]
    whose = f"run {policy_run.id}" + (" or its start" if policy_run.config.start_from else "")
    if left_out:
        yield Note(f"Left out: {whose} trained on {left_out} of the {len(heldout)} held-out prompts.")
    if not asked:
        but = f" that {whose} did not train on" if left_out else ""
        raise NothingToDo(f"There are no held-out prompts{but}: mark some as held-out, or type a prompt.")
    spec = newest_if_any(context.project, reward_of(policy_run, config))
    base = yield from base_of(context, four_bit=on_four_bits(context.project, spec))
    shared = SharedModel(base, report_status=context.report_status)
    try:
        if folder := origins.reference_folder(policy_run.config, context.project.run_folder(policy_run.id)):
            start.load_reference(shared, folder)
            said = policy_run.result.reference
            yield Note(f"The reference is {said}.")
            yield Result(CompareResult(reference=said, reference_job=origins.reference_run(policy_run.config)))
        drawn = drawing.load(context.project, shared, policy_run, config.checkpoint, POLICY)
        if drawn.note:
            yield Note(drawn.note)
        reward = yield from reward_function(context, spec, shared)
        reference: list[Sample] = []
        tuned: list[Sample] = []
        yield Progress(0, len(asked), "Comparing")
        sides = [
            evaluate.batches(
                shared, role, asked, reward, name=name, copies=config.completions,
                max_new_tokens=config.max_new_tokens, temperature=config.temperature, top_p=config.top_p,
                seed=config.seed, batch_size=min(config.batch_size, BATCH * config.completions), guide=guide,
            )
            for role, name, guide in ((REFERENCE, "reference", None), (POLICY, "tuned", drawn.guide))
        ]  # fmt: skip
        for before, after in zip(*sides, strict=True):
            reference += before
            tuned += after
            yield Samples(0, tuple(before))
            yield Samples(0, tuple(after))
            yield from chat.told(base, last=len(reference) == len(asked) * config.completions)
            yield Progress(len(reference) // config.completions, len(asked), "Comparing")
            if context.stopping:
                return
    finally:
        shared.close()
    yield from evaluate.unscored([*reference, *tuned], reward)
    found = replace(summary(reference, tuned), policy_job=policy_run.id, reward_job=reward.reward_job)
    yield Result(replace(found, prompts=len(asked), left_out=left_out))


def reward_of(run: TrainPolicyJob, config: CompareConfig) -> RewardSpec:
    """The reward that the policy was tuned with, rules, weights and penalty included, by the very model that it was
    tuned with; `reward_job` puts another model in its place, and `gold` is drawn beside."""
    tuned = RewardSpec.of_run(run)
    if config.reward_job:
        other = RewardSpec.of(run.config)
        tuned = replace(other, reward_job=config.reward_job, reward_model="", optimised_gold="", rules_only=False)
    return replace(tuned, gold=config.gold)


def summary(reference: list[Sample], tuned: list[Sample]) -> CompareResult:
    """Means of both sides, and the share of answers with the higher score; equal scores count half."""
    wins = [
        0.5 if a.score == b.score else float(b.score > a.score)
        for a, b in zip(reference, tuned, strict=True)
        if a.score is not None and b.score is not None
    ]
    return CompareResult(
        reward_before=evaluate.mean(reference, "score"),
        reward_after=evaluate.mean(tuned, "score"),
        gold_before=evaluate.mean(reference, "gold"),
        gold_after=evaluate.mean(tuned, "gold"),
        kl=evaluate.mean(tuned, "kl"),
        win_rate=sum(wins) / len(wins) if wins else None,
    )
