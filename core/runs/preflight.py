"""What is wrong with a job, as far as it can be known before it begins: asked at the door, and by the job. No torch."""

from pathlib import Path

from core.config.frontier import MeasureFrontierConfig
from core.config.jobs import ExportModelConfig, GenerateConfig
from core.config.judging import BY, JudgeBy, JudgingConfig
from core.config.training import ALGORITHMS, Run, TrainPolicyConfig, TrainPolicyJob, TrainRewardJob
from core.config.verifying import VerifyConfig
from core.errors import BadInput, NothingToDo
from core.jobs import model_libraries, queue
from core.labeling import gold
from core.preferences import demonstrated
from core.records import ACTIVE
from core.runs import origins, verification
from core.store import Project, arenas, prompts
from core.trust.wish import place_of


def check(project: Project, config: object) -> None:
    """Raise `KnownError` for what could only fail."""
    model_libraries.check("A job")
    if isinstance(config, TrainPolicyConfig):
        train_policy(project, config)
    elif isinstance(config, VerifyConfig):
        verification.run_to_verify(project, config)
    elif isinstance(config, GenerateConfig) and config.best_of > 1 and not _expected(project, TrainRewardJob):
        queue.run_of(project, config.reward_job, TrainRewardJob)
    elif isinstance(config, MeasureFrontierConfig) and not _expected(project, TrainPolicyJob):
        queue.run_of(project, config.policy_job, TrainPolicyJob)
    elif isinstance(config, ExportModelConfig):
        if not _expected(project, TrainPolicyJob):
            queue.run_of(project, config.policy_job, TrainPolicyJob)
        free_folder(config.out)
    elif isinstance(config, JudgingConfig):
        judging(project, config)


def judging(project: Project, config: JudgingConfig) -> None:
    """Who is to judge, and what."""
    if not config.by:
        raise BadInput(f"Say who judges with --by: {BY}.")
    if not config.arena and not config.waiting:
        raise BadInput("Say what is judged: --arena NAME, or --waiting for the completions that wait to be ranked.")
    if config.arena:
        arenas.called(project, config.arena)
    spec = config.spec
    if spec.by is JudgeBy.GOLD:
        gold.check(spec.name)
    elif spec.by is JudgeBy.RUN and not _expected(project, TrainPolicyJob):
        queue.run_of(project, spec.run, TrainPolicyJob)
    elif spec.by is JudgeBy.REWARD and spec.run and not _expected(project, TrainRewardJob):
        queue.run_of(project, spec.run, TrainRewardJob)


def train_policy(project: Project, config: TrainPolicyConfig, *, processes: int = 1) -> None:
    """The settings of a run of the policy against each other, and against what the project has."""
    kind = ALGORITHMS[config.algorithm]
    if "kl_target" not in kind.unused and config.kl_target and not config.price:
        raise BadInput("A KL target steers the coefficient by a factor: set --kl-coef above 0.")
    if kind.config.NEEDS_KL and not config.price:
        raise BadInput(f"{kind.title} divides by the KL coefficient: set --kl-coef above 0.")
    if config.warmup_steps >= config.steps and "warmup_steps" not in kind.unused:
        raise BadInput(
            f"The learning rate would still be rising after {config.steps} steps: set --warmup-steps to fewer."
        )
    if config.missing_end == "mask" and not (kind.config.LEAVES_OUT or kind.offline):
        raise BadInput(
            f"{kind.title} leaves no completion out of its loss: set --missing-end to subtract, replace or nothing."
        )
    if config.completions < kind.config.FEWEST_COMPLETIONS and "completions" not in kind.unused:
        least = kind.config.FEWEST_COMPLETIONS
        raise BadInput(f"{kind.title} compares the completions of a prompt: set --completions to {least} or more.")
    if "completions" not in kind.unused and config.batch_size < config.completions * processes:
        each = f"for each of the {processes} processes" if processes > 1 else "in every step"
        raise BadInput(
            f"There has to be a prompt {each}: set --batch-size to {config.completions * processes} or more, or "
            "--completions to fewer."
        )
    origins.check(project, config)
    _mix(project, config)
    if config.gold:
        gold.check(config.gold)
    for _, name in gold.rules(config.rules):
        gold.check(name)
    if not prompts.count(project, split="train"):
        raise NothingToDo("There are no training prompts: add some, or change the split of the ones there are.")
    _reward(project, config, needed=not kind.offline)


def _mix(project: Project, config: TrainPolicyConfig) -> None:
    kind = ALGORITHMS[config.algorithm]
    if (config.ptx_coef or config.ptx_text) and not kind.config.MIXES:
        raise BadInput(f"{kind.title} mixes in no pretraining loss: leave --ptx-coef and --ptx-text out.")
    if config.ptx_text and not config.ptx_coef:
        raise BadInput("--ptx-text is mixed in with a weight: set --ptx-coef above 0.")
    if (
        config.ptx_coef
        and not config.ptx_text
        and not demonstrated.to_learn(project, config.ptx_answers, config.rankings_of)
    ):
        raise NothingToDo(
            "There are no answers of training prompts to mix in: import some, write some in Rank, choose other "
            "--ptx-answers, or name a text with --ptx-text."
        )


def _reward(project: Project, config: TrainPolicyConfig, *, needed: bool) -> None:
    if config.rules_only:
        if not config.rules:
            raise BadInput("--rules-only needs rules: give them with --rules.")
        if config.train_on_gold or config.reward_model or config.reward_job:
            raise BadInput(
                "--rules-only leaves every reward model out: give no --train-on-gold, --reward-model or "
                "--reward-job beside it."
            )
    elif config.train_on_gold:
        if not config.gold:
            raise BadInput("--train-on-gold needs a gold reward: give one with --gold.")
    elif config.reward_model:
        if config.reward_job:
            raise BadInput("Give either --reward-job or --reward-model, not both.")
    elif (needed or config.reward_job) and not _expected(project, TrainRewardJob):
        if config.rules and not config.reward_job and queue.newest_run(project, TrainRewardJob) is None:
            raise BadInput(
                "There is no reward model yet: train one first, or give --rules-only to optimise the rules alone."
            )
        queue.run_of(project, config.reward_job, TrainRewardJob)


def _expected(project: Project, record: type[Run]) -> bool:
    """Is there such a run on its way, for which a job may wait?"""
    return any(job.status in ACTIVE for job in queue.listed(project, record))


def free_folder(text: str) -> Path:
    """A folder that can be made. Raises `BadInput` if something is there already, or nothing can be."""
    if not text:
        raise BadInput("Give the folder to write with --out.")
    out = place_of(text)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} is there already: choose a folder that is empty or new.")
    if not out.parent.is_dir():
        raise BadInput(f"{out.parent} is no folder: choose another place for the model.")
    return out
