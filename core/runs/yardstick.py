"""What a run of the policy was measured with: which reward, to which reference, with answers drawn how.

Numbers of two runs can be compared where all of that is the same, and the prompts are.
"""

from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from core.config.chat import Chat
from core.config.options import as_stored
from core.config.training import TrainPolicyConfig, TrainPolicyJob, TrainPolicyResult
from core.errors import BadInput
from core.labeling import gold
from core.runs import origins
from core.runs.origins import BaseIdentity
from core.store import Project, chat_settings
from core.store.files import plain
from core.trust import code

#: The reward model made elsewhere, or a run of ours.
OURS, ELSEWHERE = "ours", "elsewhere"


@dataclass(frozen=True)
class Reward:
    """`model` is whose score it is in a word; a hash is empty where nobody kept it. `more` is what is done with it."""

    model: str
    job: int | None = None
    sha256: str = ""
    scale: tuple[float, float] | None = None
    more: tuple[Any, ...] = ()

    def is_same(self, other: "Reward") -> bool:
        if (self.model, self.scale, self.more) != (other.model, other.scale, other.more):
            return False
        return self.sha256 == other.sha256 if self.sha256 and other.sha256 else self.job == other.job

    @property
    def words(self) -> str:
        return f"the reward model of run {self.job}" if self.model == OURS else self.model


@dataclass(frozen=True)
class Yardstick:
    reward: Reward
    base: BaseIdentity
    reference: str
    """The hash of the adapter that the reference has on; empty for the base itself."""
    reference_words: str
    temperature: float
    max_new_tokens: int
    gold: str
    """The gold reward that is drawn beside."""
    chat: Chat | None
    """How conversations were put, None where nobody kept it."""

    def difference(self, other: "Yardstick") -> str:
        """Why what `other` measured cannot stand beside what this did, as a part of a sentence; empty where it can."""
        if why := self.other_reference(other):
            return why
        if self.chat and other.chat and self.chat != other.chat:
            names = (each.name for each in fields(Chat))
            others = [name for name in names if getattr(self.chat, name) != getattr(other.chat, name)]
            return f"its chat settings are others ({', '.join(others).replace('_', ' ')})"
        if not self.reward.is_same(other.reward):
            same = self.reward.words == other.reward.words
            return "its reward has other weights, rules or penalties" if same else f"its reward is {other.reward.words}"
        if self.max_new_tokens != other.max_new_tokens:
            return f"its answers are of up to {other.max_new_tokens} tokens, not {self.max_new_tokens}"
        if self.temperature != other.temperature:
            return f"its answers are drawn at a temperature of {other.temperature:g}, not {self.temperature:g}"
        return ""

    def other_reference(self, other: "Yardstick") -> str:
        """Why a KL to the reference of `other` is another one; empty where it is the same."""
        pairs = ((self.base.base, other.base.base), (self.base.weights, other.base.weights))
        if any(mine and theirs and mine != theirs for mine, theirs in pairs):
            return "it is on another base model"
        if self.reference != other.reference:
            return f"its KL is measured to {other.reference_words or 'the base'}"
        return ""

    @property
    def own_functions(self) -> list[str]:
        """The person's own functions in the reward, of which nobody keeps what they said."""
        return [name for name in self.reward.more[0] if code.names_code(name)]


def of_run(project: Project, run: TrainPolicyJob) -> Yardstick:
    config, result = run.config, run.result
    kept = origins.kept(project, run.id)
    refers = origins.reference_folder(config, project.run_folder(run.id)) is not None
    named = origins.run_named(config.reference) is not None
    adapter = (kept.reference if named else kept.start) if refers else None
    return Yardstick(
        _reward(config, result), BaseIdentity(kept.base, kept.weights),
        (adapter.sha256 if adapter else result.reference or "another") if refers else "", result.reference,
        config.temperature, config.max_new_tokens, config.gold, _chat(project, run),
    )  # fmt: skip


def _chat(project: Project, run: TrainPolicyJob) -> Chat | None:
    with suppress(OSError, BadInput, TypeError, ValueError, AttributeError):
        return as_stored(Chat, plain.parsed(project.run_file(run.id, chat_settings.KEPT)))
    return None


def _reward(config: TrainPolicyConfig, result: TrainPolicyResult) -> Reward:
    """As `core.reward.reward_function.RewardSpec` makes it of a run."""
    rules = gold.rules(config.rules)
    penalty = config.missing_end_penalty if config.missing_end in ("subtract", "replace") else 0.0
    end = config.missing_end if penalty or config.missing_end == "replace" else ""
    names = [name for _, name in rules]
    weight = config.model_weight
    if config.rules_only:
        model, job, weight = "rules alone", None, 0.0
    elif config.train_on_gold or (not config.reward_model and result.reward_job is None and config.gold):
        model, job = f"the gold reward {config.gold}", None
        weight = weight if config.train_on_gold else 1.0  # what learns from answers has it in a model's place
        names.append(config.gold)
    elif config.reward_model:
        model, job = ELSEWHERE, None
    elif result.reward_job is None:
        model, job, weight = "no model's", None, 0.0
    else:
        model, job = OURS, result.reward_job
    combine = (config.ensemble, config.variance_weight if config.ensemble == "mean-minus-variance" else 0.0)
    more = (tuple(names), tuple(rules), weight, combine if job else (), end, penalty)
    return Reward(model, job, result.reward_sha256, result.reward_scale, more)
