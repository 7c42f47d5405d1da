"""Which RL algorithms there are, the settings of each, and what the loop and the window must know of it; no torch.

The options of all algorithms that come with the program stand here, in one place that window and commands may import,
as classes that inherit from each other where the algorithms do. What learns is the class `Learner` of the file of the
same name in `core/rl/algorithms/`, which only the worker imports.

Whoever adds an algorithm adds one file there and nothing else: a file that has no entry in `OPTIONS` brings its own
class `Options`. It is imported like any other module, by the window too, so it imports torch inside its methods
(`core.rl.learner` does the same); `tests/test_walls.py` fails where it does not.
"""

import importlib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import ClassVar

from core.config.options import Settings, option

FOLDER = Path(__file__).parent.parent / "rl" / "algorithms"
DEFAULT = "ppo"
#: The fields of `TrainPolicyConfig` that may be changed while a run goes.
LIVE = ("kl_coef", "learning_rate", "temperature")
#: Those that only say how rollouts are drawn and what their KL costs.
OF_ROLLOUTS = ("kl_coef", "kl_target", "kl_horizon", "kl_estimator", "completions")
#: Those of the pretraining mix.
OF_MIX = ("ptx_coef", "ptx_answers", "ptx_text", "ptx_batch", "ptx_length")
#: The answers that supervised tuning learns.
ANSWERS = ("written", "best-ranked", "both")
#: What may learn V(s_t): see `ActorCritic`.
VALUE_MODELS = ("head", "adapter")


class LearnsFrom(Enum):
    """Where the loop takes an algorithm's batches from."""

    ROLLOUTS = "rollouts"
    RANKINGS = "rankings"
    ANSWERS = "answers"
    VERDICTS = "verdicts"


@dataclass(frozen=True)
class TopSet:
    """The fewest likeliest tokens that hold this `share` of what a masking policy says, at least `fewest`. That is an
    adapter in a checkpoint's folder `masking`."""

    share: float
    fewest: int

    @property
    def words(self) -> str:
        return f"the tokens that hold {self.share:.0%} of what an older copy of it says"


@dataclass(frozen=True)
class Candidates:
    """The reference's `count` likeliest tokens, drawn by their Q at its own temperature."""

    count: int

    @property
    def words(self) -> str:
        return f"the reference's {self.count} likeliest tokens"


#: The folder of a checkpoint that holds the masking policy of a `TopSet`.
MASKING = "masking"


@dataclass(frozen=True)
class AlgorithmOptions(Settings):
    """An algorithm's own settings; the docstring is `Title: what it is (paper).` and a sentence for who chooses.

    In capitals stands what the loop and the window must know of it. The defaults are the safe ones: who declares
    nothing gets a run that is slower than need be, never a wrong one.
    """

    LEARNING_RATE: ClassVar[float]
    """The run's learning rate when nobody chose one; 0 where it has none."""

    LIVE: ClassVar[tuple[str, ...]] = LIVE
    """The settings that it heeds when they are changed while a run goes."""

    UNUSED: ClassVar[tuple[str, ...]] = ()
    """The shared settings that mean nothing to it."""

    FEWEST_COMPLETIONS: ClassVar[int] = 1
    """How many completions of each prompt it compares with each other."""

    LEARNS_FROM: ClassVar[LearnsFrom] = LearnsFrom.ROLLOUTS
    """Rollouts with rewards, the stored rankings, stored answers, or verdicts on them."""

    NEEDS_KL: ClassVar[bool] = False
    """Does it divide by the KL coefficient?"""

    CRITIC: ClassVar[bool] = False
    """Does it learn a value function?"""

    GUIDED: ClassVar[bool] = False
    """Does a guide have a say in what is drawn, so that rollouts come from a part of the vocabulary only? Then
    `drawn_within` is that part for the trained policy."""

    KL_COEF: ClassVar[float] = 0.05
    """The run's KL coefficient when nobody chose one."""

    LEAVES_OUT: ClassVar[bool] = False
    """Can it leave completions out of its loss?"""

    ONE_ACTION: ClassVar[bool] = False
    """Is a whole completion one action to it, so that rewards of its steps count as their sum?"""

    MIXES: ClassVar[bool] = False
    """Does its policy take optimizer steps (`Actor.descend`) down a loss of its own, to which that of a pretraining mix
    may be added?"""

    DIFFERENTIATES_TWICE: ClassVar[bool] = False
    """Does it need second derivatives of what the policy says?"""

    def __init_subclass__(cls) -> None:
        """An algorithm made for an earlier version says OFFLINE where it learns from the rankings."""
        super().__init_subclass__()
        if "LEARNS_FROM" not in vars(cls) and vars(cls).get("OFFLINE"):
            cls.LEARNS_FROM = LearnsFrom.RANKINGS

    @property
    def learns_from_fresh(self) -> bool:
        """Is its first optimizer step on the whole of a rollout that was just drawn? Then the policy's predictions
        are kept from the scoring, and that step needs no forward pass of its own."""
        return False

    @property
    def reads_states(self) -> bool:
        """Does it read the states under the value head, the `features` of a rollout?"""
        return True

    @property
    def needs_reference(self) -> bool:
        """Does what it learns depend on the reference?"""
        return True

    @property
    def drawn_within(self) -> TopSet | Candidates | None:
        """The part of the vocabulary that the trained policy is drawn from, of an algorithm that is `GUIDED`."""
        return None


@dataclass(frozen=True)
class OnPolicy(AlgorithmOptions):
    """What those share that learn from each rollout once, down a loss over its tokens.

    k1 is no choice in the loss: its gradient is 0 on average, so that it would hold nothing back.
    """

    LEAVES_OUT: ClassVar[bool] = True
    MIXES: ClassVar[bool] = True
    kl_in: str = option(
        "reward", "Where KL is paid for: in the reward, so that a token pays for what it leads to; or in the loss, "
        "each token for itself (Tang and Munos 2025, arXiv 2506.09477).", choices=("reward", "loss"), advanced=True,
    )  # fmt: skip
    kl_loss_estimator: str = option(
        "k2", "KL in the loss: k2 has the gradient of KL(policy || reference), k3 that of KL(reference || policy), as "
        "in GRPO's paper; k1's is 0 on average.", choices=("k2", "k3"), advanced=True, title="KL loss estimator",
    )  # fmt: skip


VALUE_RATE = "Learning rate of the value head; 0 chooses it by the model's width."


@dataclass(frozen=True)
class ActorCritic(AlgorithmOptions):
    """What those share that learn V(s_t) beside the policy, as the baseline of its returns."""

    CRITIC: ClassVar[bool] = True
    value_model: str = option(
        "head", "What predicts the reward to come: a linear head on the frozen reward model's hidden states, nearly "
        "free; or a LoRA adapter of its own that begins from the reward model (Ouyang et al. 2022, arXiv 2203.02155), "
        "whose passes cost what the policy's do.",
        choices=VALUE_MODELS, advanced=True,
    )  # fmt: skip
    value_epochs: int = option(
        8, "Passes of the value head over each batch, on states that do not move.", low=1, high=100, advanced=True
    )
    value_learning_rate: float = option(0.0, VALUE_RATE, low=0, high=1, advanced=True, zero="automatic")
    value_adapter_epochs: int = option(
        2,
        "Passes of the value adapter with its head over each batch, after those of the head alone.",
        low=1,
        high=20,
        advanced=True,
    )
    value_adapter_learning_rate: float = option(
        1e-3, "Learning rate of the value adapter.", low=1e-7, high=1, advanced=True
    )

    @property
    def learns_value_adapter(self) -> bool:
        return self.value_model == "adapter"


@dataclass(frozen=True)
class PPO(ActorCritic, OnPolicy):
    """PPO: Proximal Policy Optimization (Schulman et al. 2017, arXiv 1707.06347).

    Clips how far the policy may move in a step, with a learned value as the baseline: the default.
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
    ppo_epochs: int = option(2, "Passes over each batch of rollouts.", low=1, high=20, advanced=True)
    minibatches: int = option(
        1, "Optimizer steps in one pass, each on other completions, dealt out anew in each pass.", low=1, high=64,
        advanced=True,
    )  # fmt: skip
    cliprange: float = option(0.2, "How far the ratio may move before it is clipped.", low=0.01, high=1, advanced=True)
    cliprange_value: float = option(
        0.0, "How far a value may move before it is clipped; 0 is free.", low=0, high=10, advanced=True, zero="free"
    )
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    lam: float = option(0.95, "GAE's lambda: 1 is less biased, 0 less noisy.", low=0, high=1, advanced=True)
    entropy_coef: float = option(0.0, "Bonus for each nat of entropy a token.", low=0, high=1, advanced=True)
    whiten_rewards: bool = option(False, "Scale per-token rewards to standard deviation 1.", advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)
    target_kl: float = option(
        0.0, "Leave the epochs when the policy has moved this far (approximate KL).", low=0, advanced=True, zero="never"
    )

    @property
    def learns_from_fresh(self) -> bool:
        return self.minibatches == 1


@dataclass(frozen=True)
class NLPO(PPO):
    """NLPO: Natural Language Policy Optimization (Ramamurthy et al. 2022, arXiv 2210.01241).

    PPO within the top-p tokens of an older copy of the policy: keeps unlikely tokens out.
    """

    GUIDED: ClassVar[bool] = True
    top_mask: float = option(0.9, "Probability that the masking policy's allowed tokens hold.", low=0.05, high=1)
    mask_refresh: int = option(5, "Rollouts after which the masking policy becomes the policy of then.", low=1)
    fewest_tokens: int = option(10, "Tokens that are always allowed, the likeliest first.", low=1, advanced=True)

    @property
    def drawn_within(self) -> TopSet:
        return TopSet(self.top_mask, self.fewest_tokens)


@dataclass(frozen=True)
class A2C(ActorCritic, OnPolicy):
    """A2C: Advantage Actor-Critic (Mnih et al. 2016, arXiv 1602.01783).

    Actor and critic take one step each: PPO without its clip.
    """

    LEARNING_RATE: ClassVar[float] = 6e-4
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    lam: float = option(0.95, "GAE's lambda: 1 is less biased, 0 less noisy.", low=0, high=1, advanced=True)
    entropy_coef: float = option(0.0, "Bonus for each nat of entropy a token.", low=0, high=1, advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)

    @property
    def learns_from_fresh(self) -> bool:
        return True


@dataclass(frozen=True)
class Reinforce(ActorCritic, OnPolicy):
    """REINFORCE: the policy gradient with a baseline (Williams 1992).

    One step for each rollout: what the rest is built on.
    """

    LEARNING_RATE: ClassVar[float] = 6e-4
    baseline: str = option(
        "value",
        "What a return is compared with: a learned value, a running mean of earlier returns, or the batch's mean.",
        choices=("value", "running", "batch"),
    )
    decay: float = option(0.9, "How much of the running mean a step keeps.", low=0, high=0.999, advanced=True)
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)

    @property
    def learns_from_fresh(self) -> bool:
        return True

    @property
    def reads_states(self) -> bool:
        return self.baseline == "value"

    @property
    def learns_value_adapter(self) -> bool:
        return self.baseline == "value" and super().learns_value_adapter


@dataclass(frozen=True)
class RLOO(OnPolicy):
    """RLOO: REINFORCE Leave-One-Out (Ahmadian et al. 2024, arXiv 2402.14740).

    The baseline is the mean of the prompt's other completions: no critic.
    """

    LEARNING_RATE: ClassVar[float] = 4e-4
    FEWEST_COMPLETIONS: ClassVar[int] = 2
    ONE_ACTION: ClassVar[bool] = True
    passes: int = option(1, "Passes over each batch of rollouts.", low=1, high=20, advanced=True)
    cliprange: float = option(
        0.2, "How far the completion's ratio may move before it is clipped.", low=0.01, high=1, advanced=True
    )
    normalize_advantages: bool = option(False, "Scale advantages to standard deviation 1.", advanced=True)

    @property
    def reads_states(self) -> bool:
        return False

    @property
    def learns_from_fresh(self) -> bool:
        return True


@dataclass(frozen=True)
class GRPO(OnPolicy):
    """GRPO: Group Relative Policy Optimization (Shao et al. 2024, arXiv 2402.03300).

    PPO's clip with the group's mean and deviation in place of a critic: what most people use today.
    """

    LEARNING_RATE: ClassVar[float] = 4e-4
    FEWEST_COMPLETIONS: ClassVar[int] = 2
    ONE_ACTION: ClassVar[bool] = True
    passes: int = option(1, "Passes over each batch of rollouts.", low=1, high=20, advanced=True)
    cliprange: float = option(
        0.2, "How far the ratio may move before it is clipped; a completion's moves less (0.0003 in GSPO's paper).",
        low=1e-5, high=1, advanced=True,
    )  # fmt: skip
    cliprange_high: float = option(
        0.0, "How far it may rise, where that is further than it may fall (clip-higher; DAPO, Yu et al. 2025, arXiv "
        "2503.14476: 0.28).", low=0, high=10, advanced=True, zero="as far as it may fall", title="Clip range above",
    )  # fmt: skip
    importance_sampling_level: str = option(
        "token", "Whose ratio is clipped: each token's, or the completion's, the geometric mean of its tokens' (GSPO, "
        "Zheng et al. 2025, arXiv 2507.18071; with average completions).", choices=("token", "sequence"),
        advanced=True, title="Ratio of each",
    )  # fmt: skip
    scale: str = option(
        "deviation", "Divide advantages by the group's standard deviation, or not (Dr. GRPO).",
        choices=("deviation", "none"), advanced=True,
    )  # fmt: skip
    average: str = option(
        "tokens",
        "Every token counts the same (DAPO), or every completion does (the paper), or the sum over each completion's "
        "tokens is divided by the most that there may be (length; Dr. GRPO, with scale none).",
        choices=("tokens", "completions", "length"), advanced=True,
    )  # fmt: skip
    kl_in: str = option(
        "loss", "Where KL is paid for: in the loss (the paper), or in the reward.", choices=("loss", "reward"),
        advanced=True,
    )  # fmt: skip
    kl_loss_estimator: str = option(
        "k3", "KL in the loss: k3 as in the paper, with the gradient of KL(reference || policy), or k2 with that of "
        "KL(policy || reference) (Tang and Munos 2025, arXiv 2506.09477); k1's is 0 on average.",
        choices=("k2", "k3"), advanced=True, title="KL loss estimator",
    )  # fmt: skip

    @property
    def reads_states(self) -> bool:
        return False

    @property
    def learns_from_fresh(self) -> bool:
        return True


@dataclass(frozen=True)
class TRPO(ActorCritic):
    """TRPO: Trust Region Policy Optimization (Schulman et al. 2015, arXiv 1502.05477).

    No step goes further than a bound on its KL: safe and slow.
    """

    LEARNING_RATE: ClassVar[float] = 0.0  # the trust region says how far a step goes
    LIVE: ClassVar[tuple[str, ...]] = ("kl_coef", "temperature")
    UNUSED: ClassVar[tuple[str, ...]] = ("learning_rate", "warmup_steps")
    LEAVES_OUT: ClassVar[bool] = True
    DIFFERENTIATES_TWICE: ClassVar[bool] = True
    trust_kl: float = option(0.02, "How far a step may move the policy: nats a token.", low=1e-6, high=1)
    cg_steps: int = option(
        5, "Steps of conjugate gradients.", low=1, high=100, advanced=True, title="Conjugate gradient steps"
    )
    cg_damping: float = option(0.1, "Damping of the Fisher matrix, in its mean eigenvalues.", low=0, advanced=True)
    fisher_share: float = option(
        0.25, "Share of the completions on which the Fisher matrix is measured.", low=0.01, high=1, advanced=True
    )
    shrink: float = option(0.7, "How much shorter each next try is.", low=0.1, high=0.95, advanced=True)
    line_steps: int = option(8, "Tries of the line search.", low=1, high=50, advanced=True)
    gamma: float = option(1.0, "Discount of later rewards.", low=0, high=1, advanced=True)
    lam: float = option(0.95, "GAE's lambda: 1 is less biased, 0 less noisy.", low=0, high=1, advanced=True)
    whiten_advantages: bool = option(True, "Scale advantages to mean 0 and standard deviation 1.", advanced=True)

    @property
    def learns_from_fresh(self) -> bool:
        return True


@dataclass(frozen=True)
class SoftQ(AlgorithmOptions):
    """Soft Q-learning: path consistency with the logits as Q values (Guo et al. 2021, arXiv 2106.07704).

    Asks for consistency along whole paths, fresh or from memory: learns from a completion more than once.
    """

    LEARNING_RATE: ClassVar[float] = 6e-4
    UNUSED: ClassVar[tuple[str, ...]] = ("kl_estimator",)  # its price is a path's own log pi - log ref
    NEEDS_KL: ClassVar[bool] = True
    CRITIC: ClassVar[bool] = True
    data: str = option(
        "both", "Learn from fresh rollouts, from earlier ones, or both.", choices=("both", "on-policy", "off-policy")
    )
    replay: int = option(256, "Earlier completions that are kept.", low=1, advanced=True)
    q_updates: int = option(2, "Optimizer steps for each rollout.", low=1, high=50, advanced=True)
    one_step: float = option(
        0.5, "Weight of the one-step consistency beside the one to the end.", low=0, high=10, advanced=True
    )
    target_rate: float = option(
        0.1, "How far the target value follows with each step.", low=0.001, high=1, advanced=True
    )
    value_learning_rate: float = option(3e-3, VALUE_RATE, low=0, high=1, advanced=True, zero="automatic")


@dataclass(frozen=True)
class DQN(AlgorithmOptions):
    """DQN: token-level deep Q-learning with replay and a target network (Mnih et al. 2015).

    Learns Q of single tokens from memory; needs more rollouts than the others.
    """

    LEARNING_RATE: ClassVar[float] = 1e-3
    KL_COEF: ClassVar[float] = 0.0  # its KL is its own advantage: a charge would take Q back
    CRITIC: ClassVar[bool] = True
    GUIDED: ClassVar[bool] = True
    alpha: float = option(
        0.05, "Temperature of each draw by Q: a Q larger by this is e times likelier.", low=1e-3, high=10
    )
    epsilon: float = option(
        0.2, "Share of tokens drawn from the reference at first; falls to 0.02 by half-time.", low=0, high=1
    )
    candidates: int = option(32, "Likely tokens among which the best one is sought.", low=2, high=1000, advanced=True)
    n_step: int = option(24, "Tokens after which the target network is asked.", low=1, advanced=True)
    replay: int = option(256, "Earlier completions that are kept.", low=1, advanced=True)
    q_updates: int = option(2, "Optimizer steps for each rollout.", low=1, high=50, advanced=True)
    sync_every: int = option(4, "Optimizer steps after which the target network is renewed.", low=1, advanced=True)
    double_q: bool = option(True, "Let the online network choose the best token, the target value it.", advanced=True)
    value_learning_rate: float = option(3e-3, VALUE_RATE, low=0, high=1, advanced=True, zero="automatic")

    @property
    def drawn_within(self) -> Candidates:
        return Candidates(self.candidates)


@dataclass(frozen=True)
class DPO(AlgorithmOptions):
    """DPO: Direct Preference Optimization, from the rankings without RL (Rafailov et al. 2023, arXiv 2305.18290).

    The baseline: what does RL buy?
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
    LIVE: ClassVar[tuple[str, ...]] = ("learning_rate",)
    UNUSED: ClassVar[tuple[str, ...]] = OF_ROLLOUTS
    LEARNS_FROM: ClassVar[LearnsFrom] = LearnsFrom.RANKINGS
    FEWEST_COMPLETIONS: ClassVar[int] = 2
    beta: float = option(0.1, "Price of leaving the reference: smaller goes further.", low=1e-3, high=10)
    dpo_loss: str = option(
        "sigmoid", "DPO's own loss; IPO's square, which cannot run away (Azar et al. 2023, arXiv 2310.12036); SLiC's "
        "hinge; or SimPO and ORPO, which need no reference (use a beta of about 2 for SimPO).",
        choices=("sigmoid", "ipo", "hinge", "simpo", "orpo"), advanced=True,
    )  # fmt: skip
    simpo_margin: float = option(
        0.5,
        "SimPO's gamma: by how much the chosen one's implicit reward must be higher.",
        low=0,
        high=10,
        advanced=True,
        title="SimPO margin",
    )
    label_smoothing: float = option(
        0.0, "Share of pairs taken to be labeled the wrong way round (cDPO).", low=0, high=0.49, advanced=True
    )

    @property
    def needs_reference(self) -> bool:
        return self.dpo_loss not in ("simpo", "orpo")


@dataclass(frozen=True)
class SFT(AlgorithmOptions):
    """SFT: supervised fine-tuning on answers, without RL (Ouyang et al. 2022, arXiv 2203.02155).

    Learns to answer as people wrote, or as their best-ranked answers read: where most policies begin.
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
    LIVE: ClassVar[tuple[str, ...]] = ("learning_rate",)
    UNUSED: ClassVar[tuple[str, ...]] = OF_ROLLOUTS
    LEARNS_FROM: ClassVar[LearnsFrom] = LearnsFrom.ANSWERS
    answers: str = option(
        "written", "Which answers it learns: those that people wrote or brought along, the best-ranked ones, or both.",
        choices=ANSWERS,
    )  # fmt: skip
    heldout_fraction: float = option(
        0.1, "Share of the prompts kept for measuring if none with an answer is marked held-out.", low=0, high=0.9,
        advanced=True, title="Held-out share",
    )  # fmt: skip
    max_length: int = option(
        1024, "Longest prompt with answer, in tokens; longer answers are left out.", low=16, high=131072, advanced=True
    )

    @property
    def needs_reference(self) -> bool:
        return False


@dataclass(frozen=True)
class KTO(AlgorithmOptions):
    """KTO: Kahneman-Tversky Optimization, from verdicts without RL (Ethayarajh et al. 2024, arXiv 2402.01306).

    Learns from answers that are good or bad by themselves, such as thumbs: no pairs are needed.
    """

    LEARNING_RATE: ClassVar[float] = 3e-4
    LIVE: ClassVar[tuple[str, ...]] = ("learning_rate",)
    UNUSED: ClassVar[tuple[str, ...]] = OF_ROLLOUTS
    LEARNS_FROM: ClassVar[LearnsFrom] = LearnsFrom.VERDICTS
    beta: float = option(0.1, "Price of leaving the reference: smaller goes further.", low=1e-3, high=10)
    verdicts: str = option(
        "single", "What is good or bad: verdicts on single answers, the best and the worst of each ranking, or both.",
        choices=("single", "ranked", "both"),
    )  # fmt: skip
    desirable_weight: float = option(
        0.0, "How much a good answer counts; 0 balances: good and bad ones weigh the same in sum.", low=0, high=100,
        advanced=True, zero="balanced",
    )  # fmt: skip
    undesirable_weight: float = option(
        0.0, "How much a bad answer counts; 0 balances.", low=0, high=100, advanced=True, zero="balanced"
    )
    heldout_fraction: float = option(
        0.1, "Share of the prompts kept for measuring if none with a verdict is marked held-out.", low=0, high=0.9,
        advanced=True, title="Held-out share",
    )  # fmt: skip
    max_length: int = option(
        1024, "Longest prompt with answer, in tokens; longer answers are left out.", low=16, high=131072, advanced=True
    )


#: By the name of the file in `core/rl/algorithms/` that learns with them.
OPTIONS: dict[str, type[AlgorithmOptions]] = {
    "a2c": A2C, "dpo": DPO, "dqn": DQN, "grpo": GRPO, "kto": KTO, "nlpo": NLPO, "ppo": PPO,
    "reinforce": Reinforce, "rloo": RLOO, "sft": SFT, "soft_q": SoftQ, "trpo": TRPO,
}  # fmt: skip


@dataclass(frozen=True)
class Algorithm:
    """`config` is the class of its options; `module` holds its `Learner` (see `core.rl.algorithms`)."""

    name: str
    title: str
    summary: str
    config: type[AlgorithmOptions]
    module: str

    @property
    def learning_rate(self) -> float:
        """What the run's learning rate is when nobody chose one."""
        return self.config.LEARNING_RATE

    @property
    def live(self) -> tuple[str, ...]:
        """The settings that it heeds when they are changed while a run goes."""
        return self.config.LIVE

    @property
    def unused(self) -> tuple[str, ...]:
        """The shared settings that mean nothing to it."""
        return self.config.UNUSED + (() if self.config.MIXES else OF_MIX)

    @property
    def learns_from(self) -> LearnsFrom:
        return self.config.LEARNS_FROM

    @property
    def offline(self) -> bool:
        """Does it learn from what is stored, instead of rollouts with rewards?"""
        return self.learns_from is not LearnsFrom.ROLLOUTS


def algorithm_of(path: Path) -> Algorithm:
    """The algorithm of a file. Raises `LookupError` when there are no options of it anywhere."""
    module = f"core.rl.algorithms.{path.stem}"
    config = OPTIONS.get(path.stem) or vars(importlib.import_module(module)).get("Options", object)
    if not issubclass(config, AlgorithmOptions):
        raise LookupError(f"{path} has no class Options made from AlgorithmOptions")
    title, _, summary = " ".join((config.__doc__ or path.stem).split()).partition(": ")
    return Algorithm(path.stem.replace("_", "-"), title, summary, config, module)


@cache
def algorithms() -> dict[str, Algorithm]:
    """By name; the default one first."""
    files = sorted(FOLDER.glob("[!_]*.py"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return {algorithm.name: algorithm for algorithm in map(algorithm_of, files)}
