"""The two jobs that train: every choice about a run of the reward model and of the policy, and what came of it."""

from dataclasses import dataclass, field
from typing import Any

from core.config.algorithms import ANSWERS, DEFAULT, AlgorithmOptions, algorithms
from core.config.options import check, option
from core.errors import BadInput
from core.records import Job, JobResult

#: By name; the default one first.
ALGORITHMS = algorithms()


@dataclass(frozen=True)
class LoraConfig:
    """The adapter that is trained in place of the base's own weights (Hu et al. 2021, arXiv 2106.09685)."""

    lora_rank: int = option(16, "Size of the adapter (r).", low=1, high=512, advanced=True)
    lora_alpha: int = option(32, "Scale of the adapter: it is multiplied by alpha / r.", low=1, advanced=True)
    lora_targets: str = option(
        "all-linear",
        "Which layers get an adapter: all linear layers, or attention only.",
        choices=("all-linear", "attention"),
        advanced=True,
    )
    lora_rslora: bool = option(
        False,
        "Scale by alpha / sqrt(r), so that large adapters learn too (rsLoRA, arXiv 2312.03732).",
        advanced=True,
        title="rsLoRA",
    )
    lora_dora: bool = option(
        False,
        "Learn length and direction of the weights apart (DoRA, arXiv 2402.09353); slower.",
        advanced=True,
        title="DoRA",
    )

    def __post_init__(self) -> None:
        check(self)


#: How an ensemble's rewards become one.
ENSEMBLE = ("mean", "worst", "mean-minus-variance")
#: What happens to a completion that reached the length limit.
MISSING_END = ("subtract", "replace", "mask", "nothing")
#: The longest completion unless somebody chooses, in tokens: a short answer has room to end by itself.
LENGTH = 96
#: Whose rankings are learnt from.
RANKINGS_OF = ("everybody", "people", "judges")
#: What a seed promises.
SEED = "The same seed gives the same run on the same machine."


def rankings_option() -> Any:
    """Whose rankings a run learns from, if it learns from any."""
    help = "Learn from everybody's rankings, from people's alone, or from judges' alone (RLAIF)."
    return option("everybody", help, choices=RANKINGS_OF, advanced=True, title="Rankings of")


@dataclass(frozen=True)
class TrainRewardConfig(LoraConfig):
    """Train a LoRA reward model on the pairs that follow from the rankings."""

    lora_targets: str = option(
        "attention", "Which layers get an adapter: attention only, or all linear layers.",
        choices=("all-linear", "attention"), advanced=True,
    )  # fmt: skip
    learning_rate: float = option(
        0.0, "AdamW learning rate of the adapter, decaying to zero; 0 chooses it by the model's size.", low=0, high=1.0,
        zero="automatic",
    )  # fmt: skip
    head_learning_rate: float = option(
        1e-2,
        "Learning rate of the scalar head, decaying to zero.",
        low=1e-7,
        high=1.0,
        advanced=True,
        title="Head rate",
    )
    head_init: str = option(
        "zero",
        "How the scalar head starts: at zero, or drawn with standard deviation 1 / sqrt(d + 1).",
        choices=("zero", "normal"),
        advanced=True,
    )
    epochs: int = option(2, "Passes over the rankings. More than a few over-fit.", low=1, high=50)
    batch_prompts: int = option(
        4, "Prompts (each with all its pairs) in one step.", low=1, high=512, title="Prompts a step"
    )
    patience: int = option(
        3, "Stop when the held-out log loss has not improved this many times; 0 is never.", low=0, advanced=True
    )
    evaluations: int = option(2, "Held-out evaluations in one pass.", low=1, high=100, advanced=True)
    ties: str = option(
        "half",
        "Tied completions: drop them, pull their scores together, or give ties a probability of their own.",
        choices=("half", "drop", "davidson", "rao-kupper"),
        advanced=True,
    )
    margin: float = option(
        0.0, "How much more two scores must differ for each place that their ranks, or the strength of an imported "
        "preference, are apart.", low=0, high=10,
        advanced=True,
    )  # fmt: skip
    label_smoothing: float = option(
        0.0, "Share of pairs taken to be labeled the wrong way round.", low=0, high=0.49, advanced=True
    )
    centering: float = option(0.01, "Weight of the penalty that keeps scores near 0.", low=0, high=1, advanced=True)
    length_correction: bool = option(
        False, "Take out of the reward what is linear in a completion's length, as the held-out pairs show it after "
        "training (post-hoc reward calibration: Huang et al. 2024, arXiv 2409.17407).", advanced=True,
    )  # fmt: skip
    criteria: bool = option(
        True, "Learn a score for each ranked criterion too, as further columns of the head.", advanced=True
    )
    members: int = option(
        1,
        "Reward models to train: more than one is an ensemble whose disagreement is shown.",
        low=1,
        high=16,
        title="Ensemble of",
    )
    bootstrap: bool = option(
        False, "Let each member of an ensemble learn from prompts drawn anew, with replacement, so that they also "
        "differ in what they know (Breiman 1996).", advanced=True, title="Bootstrap the prompts",
    )  # fmt: skip
    curve: bool = option(
        False,
        "Also train on an eighth, a quarter and half of the prompts, to see what more labels would bring.",
        title="Learning curve",
    )
    rankings_of: str = rankings_option()
    heldout_fraction: float = option(
        0.2,
        "Share of ranked prompts kept for testing if none is marked held-out.",
        low=0,
        high=0.9,
        advanced=True,
        title="Held-out share",
    )
    max_length: int = option(1024, "Longest prompt with completion, in tokens.", low=16, high=131072, advanced=True)
    checkpoint_every: int = option(10, "Steps between checkpoints.", low=1, advanced=True)
    gradient_checkpointing: bool = option(
        False,
        "Compute activations twice instead of keeping them: a third slower, far less memory.",
        advanced=True,
        title="Recompute",
    )
    base_bits: str = option(
        "16", "Hold the base in 4 bits (needs an NVIDIA GPU and the extra `4bit`).", choices=("16", "4"), advanced=True
    )
    memory_gb: float = option(
        0.0, "Memory for activations, which decides how much is computed at once; 0 is half of what is free.", low=0,
        advanced=True,
    )  # fmt: skip
    seed: int = option(0, SEED, low=0, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bootstrap and self.members == 1:
            raise BadInput("--bootstrap draws prompts for each member of an ensemble: set --members to 2 or more.")


@dataclass(frozen=True)
class TrainPolicyConfig(LoraConfig):
    """Tune the policy against a reward: what every algorithm shares."""

    algorithm: str = option(DEFAULT, "The algorithm that learns.", choices=tuple(ALGORITHMS))
    start_from: str = option(
        "", "Where the policy begins: the number of a run, whose last checkpoint is taken, or the folder of a LoRA "
        "adapter; empty is the base itself.", title="Start from", zero="the base itself",
    )  # fmt: skip
    reference: str = option(
        "start", "What KL is measured to: `start` is where the policy begins, `base` the base itself, a number that "
        "run's policy.", advanced=True,
    )  # fmt: skip
    reward_job: int = option(0, "Run of the reward model; 0 is the newest one.", low=0, advanced=True)
    reward_model: str = option(
        "", "A reward model made elsewhere instead: a folder, or hub:owner/name (sequence classification, one label).",
        advanced=True,
    )  # fmt: skip
    ensemble: str = option("mean", "How an ensemble's rewards become one.", choices=ENSEMBLE, advanced=True)
    variance_weight: float = option(
        1.0, "What mean-minus-variance takes off for each unit of the members' variance (lambda; Coste et al. 2023, "
        "arXiv 2310.02743).", low=0, high=100, advanced=True,
    )  # fmt: skip
    model_weight: float = option(1.0, "Weight of the reward model in the reward.", low=-100, high=100, advanced=True)
    rules: str = option(
        "",
        "Rules added to the reward, each with its weight: `0.5*sentiment; -0.01*length; 2*file.py:function`.",
        advanced=True,
    )
    rules_only: bool = option(
        False, "Optimise the rules alone, without a reward model (verifiable rewards: Lambert et al. 2024, arXiv "
        "2411.15124).", advanced=True,
    )  # fmt: skip
    gold: str = option(
        "", "Gold reward drawn beside the learned one, such as `sentiment`; empty for none.", title="Gold reward"
    )
    train_on_gold: bool = option(False, "Optimise the gold reward itself, without a reward model.", advanced=True)
    missing_end: str = option(
        MISSING_END[0], "What happens to a completion that reached the length limit: the penalty is taken from its "
        "score; or minus the penalty takes the score's place (Stiennon et al. 2020, arXiv 2009.01325); or it is left "
        "out of the loss (mask; DAPO, Yu et al. 2025, arXiv 2503.14476); or nothing.", choices=MISSING_END,
        advanced=True,
    )  # fmt: skip
    missing_end_penalty: float = option(
        1.0, "Taken from the score of a completion that reached the length limit, or put in its place, so that the "
        "policy learns to end; 1 is one standard deviation of a reward model's scores.", low=0, high=100,
        advanced=True, zero="none",
    )  # fmt: skip
    steps: int = option(30, "Stop after this many steps.", low=1, title="Maximum of steps")
    learning_rate: float = option(
        0.0, "AdamW learning rate, decaying to a tenth; 0 is the algorithm's own.", low=0, high=1.0, zero="automatic"
    )
    warmup_steps: int = option(
        0, "Steps in which the policy's learning rate rises to its height, before it decays (Goyal et al. 2017, arXiv "
        "1706.02677).", low=0, advanced=True, zero="none", title="Warm-up steps",
    )  # fmt: skip
    adam_beta1: float = option(
        0.9, "How much of the gradients' running mean AdamW keeps in a step, for the policy and the value function "
        "(Loshchilov and Hutter 2019, arXiv 1711.05101).", low=0, high=0.9999, advanced=True, title="Adam beta 1",
    )  # fmt: skip
    adam_beta2: float = option(
        0.999, "How much of the squared gradients' running mean AdamW keeps in a step.", low=0, high=0.99999,
        advanced=True, title="Adam beta 2",
    )  # fmt: skip
    adam_epsilon: float = option(
        1e-5, "What AdamW adds to its divisor: larger damps the steps of weights with small gradients (Huang et al. "
        "2024, arXiv 2403.17031).", low=1e-12, high=1.0, advanced=True,
    )  # fmt: skip
    max_grad_norm: float = option(
        1.0, "Longest gradient, of the policy and of the value function each; longer ones are cut to it (Pascanu et "
        "al. 2013, arXiv 1211.5063).", low=0, high=1000, advanced=True, zero="never cut", title="Clip gradient at",
    )  # fmt: skip
    kl_coef: float = option(
        -1.0, "Price of one nat of KL to the reference (beta); -1 is the algorithm's own: 0.05, and 0 for DQN.", low=-1,
        high=10, zero="automatic", special=-1,
    )  # fmt: skip
    kl_target: float = option(
        0.0, "Nats of KL a completion that the coefficient is steered to (Ziegler et al. 2019).", low=0, high=1000,
        zero="fixed coefficient",
    )  # fmt: skip
    kl_ceiling: float = option(
        0.0, "Stop when the mean KL of 3 steps passes this many nats a completion.", low=0, high=10000, advanced=True,
        zero="never", title="Stop at KL",
    )  # fmt: skip
    plateau: int = option(
        0,
        "Stop when the reward after KL has not risen for this many steps.",
        low=0,
        advanced=True,
        zero="never",
        title="Stop at plateau",
    )
    wall_minutes: float = option(
        0.0, "Stop after so many minutes of work.", low=0, advanced=True, zero="never", title="Stop after minutes"
    )
    on_trouble: str = option(
        "wait",
        "When a step goes wrong, the run goes back to a checkpoint and waits for you, or ends as failed.",
        choices=("wait", "fail"),
        advanced=True,
    )
    batch_size: int = option(
        16,
        "Completions (rollouts) in one step, rounded down to whole prompts.",
        low=2,
        high=4096,
        title="Completions a step",
    )
    completions: int = option(
        4,
        "Completions of each prompt in a step; a prompt is computed once for all of them.",
        low=1,
        high=64,
        title="Completions a prompt",
    )
    max_new_tokens: int = option(LENGTH, "Longest completion, in tokens.", low=1, high=4096)
    reward_threshold: float = option(
        0.0,
        "Stop when the mean reward of 3 steps (for DPO: 3 measurements) passes this.",
        low=-100,
        high=100,
        zero="never",
        title="Stop at reward",
    )
    temperature: float = option(1.0, "Sampling temperature of the rollouts.", low=0.05, high=3.0, advanced=True)
    kl_horizon: int = option(
        100, "Completions in which the steered coefficient may change by a fifth.", low=1, advanced=True
    )
    kl_estimator: str = option(
        "k1", "How the penalty in the reward estimates KL from one sample: k1 is unbiased, k3 that and never negative, "
        "k2 half the squared log-ratio (Schulman 2020, Approximating KL divergence).", choices=("k1", "k2", "k3"),
        advanced=True,
    )  # fmt: skip
    rankings_of: str = rankings_option()
    ptx_coef: float = option(
        0.0, "Weight of the pretraining loss that is added in each optimizer step: the mean of -log pi over the tokens "
        "of stored answers or of a text, so that the policy keeps what it learnt there (gamma of PPO-ptx; Ouyang et "
        "al. 2022, arXiv 2203.02155, equation 2).", low=0, high=1000, advanced=True, zero="none",
        title="Pretraining mix",
    )  # fmt: skip
    ptx_answers: str = option(
        "written", "Which answers are mixed in, unless a text is named: those that people wrote or brought along, the "
        "best-ranked ones, or both, as supervised tuning takes them.", choices=ANSWERS, advanced=True,
        title="Answers mixed in",
    )  # fmt: skip
    ptx_text: str = option(
        "", "A file to mix in, in place of answers: plain text, or rows with a `text` (JSON lines, CSV, Parquet); its "
        "first 8 million letters are kept with the run.", advanced=True, title="Text mixed in", zero="none",
    )  # fmt: skip
    ptx_batch: int = option(
        8, "Answers, or windows of the text, that are mixed into each optimizer step.", low=1, high=4096, advanced=True,
        title="Mixed into a step",
    )  # fmt: skip
    ptx_length: int = option(
        256, "Tokens of a window of the text, and at most of an answer with its prompt: longer ones are left out.",
        low=16, high=131072, advanced=True, title="Longest mixed in",
    )  # fmt: skip
    checkpoint_every: int = option(5, "Steps between checkpoints.", low=1, advanced=True)
    keep_checkpoints: int = option(
        2, "Newest checkpoints that are kept beside the best one, two at least. With all of them the frontier shows "
        "the run's whole way, and the policy can be asked again at each, so that its answers are seen step by step.",
        low=0, advanced=True, zero="all", title="Checkpoints kept",
    )  # fmt: skip
    eval_prompts: int = option(
        16, "Held-out prompts answered before and after training to measure the gain.", low=0, advanced=True
    )
    reference_answers: bool = option(
        True, "Let the reference answer each prompt once too, to show how much better the policy's answer is.",
        advanced=True, title="Reference answers too",
    )  # fmt: skip
    micro_batch: int = option(
        16, "Completions in one forward pass at most, those of a prompt together if they fit; fewer need less memory.",
        low=1,
        advanced=True,
    )  # fmt: skip
    seed: int = option(0, SEED, low=0, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if -1 < self.kl_coef < 0:
            raise BadInput(f"--kl-coef must be at least 0, or -1 for the algorithm's own, not {self.kl_coef:g}.")

    @property
    def price(self) -> float:
        """The KL coefficient that is meant: the algorithm's own if none was chosen."""
        return ALGORITHMS[self.algorithm].config.KL_COEF if self.kl_coef < 0 else self.kl_coef

    @property
    def minds_the_end(self) -> bool:
        """Does something happen to a completion that reached the length limit?"""
        return self.missing_end == "mask" or (self.missing_end != "nothing" and self.missing_end_penalty > 0)

    @property
    def rate(self) -> float:
        """The learning rate that is meant: the algorithm's own if none was chosen."""
        return self.learning_rate or ALGORITHMS[self.algorithm].learning_rate


@dataclass(frozen=True)
class Resume:
    """A run went on after `step`; `paused` is how many seconds it was paused, 0 after a stop or a crash."""

    step: int = 0
    at: str = ""
    paused: float = 0.0
    damaged: int = 0
    """The newer checkpoint that was damaged, by its step; 0 where there was none."""


@dataclass(frozen=True)
class RunResult(JobResult):
    """What both kinds of runs leave behind; folders lie below the project's."""

    adapter: str = ""
    """Folder of the newest checkpoint; empty while there is nothing to use."""
    best: str = ""
    """Folder of the best checkpoint, where the run keeps one."""
    best_step: int | None = None
    resumed: tuple[Resume, ...] = ()
    """Where it went on after it had stood still, in the order of the steps."""


@dataclass(frozen=True)
class TrainedModel:
    """One model of a run of the reward model (a member of the ensemble, or one of the curve): what it learnt from, and
    how it did on the held-out prompts where there are any. `eval_loss` is in nats; `eval_accuracy_low` and
    `eval_accuracy_high` are the ends of the 95 % interval over prompts; `per_token` is what each token of a completion
    takes off its raw score, where length was taken out."""

    model: str = ""
    prompts: int = 0
    pairs: int = 0
    steps: int = 0
    eval_loss: float | None = None
    eval_accuracy: float | None = None
    eval_accuracy_low: float | None = None
    eval_accuracy_high: float | None = None
    eval_margin: float | None = None
    per_token: float | None = None


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a model's raw scores, one for each column of its head."""

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class TrainRewardResult(RunResult):
    """Of the first member where there are several; accuracy, log loss (nats) and pairs are of held-out prompts."""

    pairs: int | None = None
    heldout_pairs: int = 0
    prompts: int | None = None
    heldout_prompts: int = 0
    heldout_too_long: int = 0
    """Held-out prompts that were left out, because no pair of them fits into `max_length`."""
    accuracy: float | None = None
    eval_loss: float | None = None
    reward_mean: float | None = None
    reward_std: float | None = None
    columns: tuple[str, ...] = ()
    """`overall`, then the criteria: the columns of the head."""
    members: tuple[str, ...] = ()
    models: tuple[TrainedModel, ...] = ()
    """The members, then the models of the curve."""
    scale: dict[str, Scale] = field(default_factory=dict)
    """By member."""
    scaled_by: str = ""
    """Whose completions the scale was measured on: `reference` or `ranked`."""
    learning_rate: float | None = None
    tokens_at_once: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class TrainPolicyResult(RunResult):
    """Rewards and KL (nats a completion) are means over the held-out prompts, before the first step and after."""

    reward_job: int | None = None
    """The run of the reward model that it was tuned against."""
    reward_sha256: str = ""
    """Of the files of the reward model that it was tuned against, whoever made that."""
    reward_scale: tuple[float, float] | None = None
    """Mean and standard deviation by which one made elsewhere was put on this project's scale."""
    start: str = ""
    """What the policy began from, in words; empty for the base itself."""
    start_sha256: str = ""
    """Of that adapter's weights, which lie in the run's own folder."""
    reference: str = ""
    """What KL was measured to, in words; empty for the base itself."""
    needs_reference: bool = True
    """Does its loss, too?"""
    from_start: bool = False
    """Is what was measured before that of the policy at its first step, where this is not the reference? Earlier
    versions measured the reference."""
    steps: int | None = None
    stop_reason: str = ""
    seconds: float | None = None
    reward_before: float | None = None
    reward_after: float | None = None
    gold_before: float | None = None
    gold_after: float | None = None
    kl: float | None = None
    loss_before: float | None = None
    """Held-out loss in nats a token, of what learns answers."""
    loss_after: float | None = None


@dataclass(frozen=True)
class Run(Job):
    """A job that trains an adapter."""

    config: LoraConfig
    result: RunResult = RunResult()

    @property
    def usable(self) -> bool:
        """Is there something to use: weights on disk?"""
        return bool(self.result.adapter)


@dataclass(frozen=True)
class TrainRewardJob(Run):
    config: TrainRewardConfig
    result: TrainRewardResult = TrainRewardResult()

    @property
    def usable(self) -> bool:
        """Only its end measures the scale of its scores, and until then its weights change when it is resumed."""
        return self.status == "done" and super().usable


@dataclass(frozen=True)
class TrainPolicyJob(Run):
    """`options` are the algorithm's own settings."""

    config: TrainPolicyConfig
    options: AlgorithmOptions | None = None
    result: TrainPolicyResult = TrainPolicyResult()
