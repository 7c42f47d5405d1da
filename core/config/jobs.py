"""The kinds of work there are: what may be chosen about each, what comes of it, and who does it.

`JOBS` holds the place of the code as text, so that this module (and with it the window and the commands) never imports
torch: the worker follows the text. What a theme has several of lies in a module of its own (training, judging, scoring,
the arena, the slider, the frontier, verifying) and is only listed here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.config.algorithms import DEFAULT
from core.config.arena import AnswerConfig, AnswerJob, AnswerResult
from core.config.frontier import MeasureFrontierConfig, MeasureFrontierJob, MeasureFrontierResult
from core.config.judging import JudgingConfig, JudgingJob, JudgingResult
from core.config.options import check, from_dict, option
from core.config.sampling import SamplingConfig, check_checkpoint, checkpoint_option, typed_questions
from core.config.scoring import (
    ScoreConfig,
    ScoreFileConfig,
    ScoreFileJob,
    ScoreFileResult,
    ScoreJob,
    ScoreResult,
    SuggestConfig,
    SuggestJob,
    SuggestResult,
)
from core.config.slider import SlideConfig, SlideJob, SlideResult
from core.config.training import (
    ALGORITHMS,
    TrainPolicyConfig,
    TrainPolicyJob,
    TrainPolicyResult,
    TrainRewardConfig,
    TrainRewardJob,
    TrainRewardResult,
)
from core.config.verifying import VerifyConfig, VerifyJob, VerifyResult
from core.conversation import Conversation
from core.errors import BadInput
from core.records import Job, JobResult


class JobKind(StrEnum):
    """By the name under which a project keeps it, and by which its command is called."""

    FETCH_MODEL = "fetch-model"
    GENERATE = "generate"
    TRAIN_REWARD = "train-reward"
    TRAIN_POLICY = "train-policy"
    EXPORT_MODEL = "export-model"
    COMPARE = "compare"
    ANSWER = "answer"
    SCORE = "score"
    SCORE_FILE = "score-file"
    SUGGEST = "suggest"
    VERIFY = "verify"
    MEASURE_FRONTIER = "measure-frontier"
    SLIDE = "slide"
    JUDGE = "judge"


#: The stage of a `generate` job whose units are prompts; before it the model may be fetched and loaded.
WRITING = "Writing completions"
#: Of the first prompt, which goes alone: at its pace a batch would seem to take many times as long as it does.
WRITING_FIRST = "Writing the first completions"


@dataclass(frozen=True)
class GenerateConfig(SamplingConfig):
    """Write completions for prompts, so that they can be ranked."""

    completions: int = option(4, "Completions for each prompt (N).", low=2, high=16, title="Completions (N)")
    policy_job: int = option(0, "Run whose tuned policy writes; 0 is the base model.", low=0)
    checkpoint: str = checkpoint_option()
    mix_with: int = option(
        -1,
        "Run whose policy writes every second completion, untold; 0 is the base model, -1 is nobody.",
        low=-1,
    )
    server: str = option(
        "", "Address of a server that speaks OpenAI's chat API (Ollama, llama.cpp, vLLM, LM Studio, `transformers "
        "serve`), whose model writes instead of the base, such as http://127.0.0.1:11434/v1.", advanced=True,
    )  # fmt: skip
    server_model: str = option("", "Which of the server's models; empty is the only one that it has.", advanced=True)
    best_of: int = option(
        1, "Answers drawn for each completion, of which the one that the reward model scores highest is kept (best of "
        "n; Nakano et al. 2021, arXiv 2112.09332).", low=1, high=256, advanced=True, title="Best of",
    )  # fmt: skip
    reward_job: int = option(
        0, "Run of the reward model that chooses among several; 0 is the newest one.", low=0, advanced=True,
        title="Chosen by reward model",
    )  # fmt: skip
    split: str = option("all", "Which prompts.", choices=("all", "train", "heldout"))
    prompt_ids: tuple[int, ...] = option((), "Numbers of the prompts to answer; none means all.", advanced=True)
    limit: int = option(0, "At most this many prompts.", low=0, zero="all")
    missing_only: bool = option(True, "Skip prompts that this policy has already answered.")
    rank_first: bool = option(False, "What is written is ranked before anything else.", advanced=True)
    batch_size: int = option(
        32, "Completions written at the same time.", low=1, high=512, advanced=True, title="Completions at once"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.server and self.policy_job:
            raise BadInput(
                f"Give --server or --policy-job, not both: with --mix-with {self.policy_job} both write by turns."
            )
        if self.server_model and not self.server:
            raise BadInput("--server-model is one of a server's models: give its address with --server.")
        if self.reward_job and self.best_of == 1:
            raise BadInput("--reward-job chooses among several answers: set --best-of to 2 or more.")
        check_checkpoint(self.checkpoint)
        if self.checkpoint.isdecimal() and not self.policy_job:
            raise BadInput(f"--checkpoint {self.checkpoint} is a step of a run: name that with --policy-job.")


@dataclass(frozen=True)
class GenerateJob(Job):
    """What it writes are completions; it has no other result."""

    config: GenerateConfig


@dataclass(frozen=True)
class CompareConfig(SamplingConfig):
    """Answer the same prompts with the reference and a tuned policy, and score both."""

    policy_job: int = option(0, "Run of the tuned policy; 0 is the newest one.", low=0)
    checkpoint: str = checkpoint_option()
    reward_job: int = option(0, "Run of the reward model that scores; 0 is the one the policy was tuned with.", low=0)
    prompts: tuple[str, ...] = option((), "Prompts to answer; none means the held-out prompts.")
    conversations: tuple[str, ...] = option(
        (), "Conversations to answer, each a list of messages as JSON.", advanced=True
    )
    completions: int = option(
        1, "Completions for each prompt and policy.", low=1, high=64, title="Completions a prompt"
    )
    limit: int = option(0, "At most this many held-out prompts.", low=0, zero="all")
    gold: str = option(
        "", "Gold reward shown beside the score, such as `sentiment`; empty for none.", title="Gold reward"
    )
    batch_size: int = option(
        32, "Completions written at the same time.", low=1, high=512, advanced=True, title="Completions at once"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_checkpoint(self.checkpoint)

    @property
    def typed(self) -> bool:
        """Are other prompts answered than the held-out ones?"""
        return bool(self.prompts or self.conversations)

    @property
    def asked(self) -> tuple[Conversation, ...]:
        return typed_questions(self.prompts, self.conversations)


@dataclass(frozen=True)
class CompareResult(JobResult):
    """Means over all answers; `win_rate` is the share of tuned answers that score higher, equal ones count half."""

    policy_job: int | None = None
    reward_job: int | None = None
    reference: str = ""
    """What the policy was compared with, in words; empty for the base itself."""
    reference_job: int | None = None
    """The run whose policy that is, where it is one's."""
    prompts: int = 0
    left_out: int = 0
    """Held-out prompts that were not asked, because the policy was trained on them."""
    reward_before: float | None = None
    reward_after: float | None = None
    gold_before: float | None = None
    gold_after: float | None = None
    kl: float | None = None
    win_rate: float | None = None


@dataclass(frozen=True)
class CompareJob(Job):
    config: CompareConfig
    result: CompareResult = CompareResult()


@dataclass(frozen=True)
class ExportModelConfig:
    """Write a tuned policy as a model of its own, the base with the adapter in its weights; or as an adapter."""

    policy_job: int = option(0, "Run of the tuned policy; 0 is the newest one.", low=0)
    checkpoint: str = checkpoint_option()
    out: str = option("", "Folder to write; it must be empty or new.")
    format: str = option(
        "safetensors", "`safetensors` for transformers, `gguf` for llama.cpp, Ollama and LM Studio, or the `adapter` "
        "alone, for PEFT.", choices=("safetensors", "gguf", "adapter"),
    )  # fmt: skip
    quantize: str = option(
        "f16", "How a GGUF keeps its numbers: in 16 bits, or in 8 (`q8_0`), with half the size.",
        choices=("f16", "q8_0"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        check(self)
        check_checkpoint(self.checkpoint)


@dataclass(frozen=True)
class ExportModelResult(JobResult):
    """The model that was written: its folder, number format and size, and what of its policy it cannot hold."""

    folder: str = ""
    policy_job: int | None = None
    dtype: str = ""
    bytes: int = 0
    lacks: str = ""


@dataclass(frozen=True)
class ExportModelJob(Job):
    config: ExportModelConfig
    result: ExportModelResult = ExportModelResult()


@dataclass(frozen=True)
class FetchModelConfig:
    """Bring the project's base model to this machine and test that it loads."""


@dataclass(frozen=True)
class FetchModelResult(JobResult):
    """The base model that loads here: where it lies, and where and why so it computes."""

    model: str = ""
    folder: str = ""
    device: str = ""
    dtype: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FetchModelJob(Job):
    config: FetchModelConfig
    result: FetchModelResult = FetchModelResult()


@dataclass(frozen=True)
class JobSpec:
    """One kind of work: `record` is the job with its types of `config` and `result`; `function` is `module:name`, which
    is imported by the worker alone."""

    title: str
    config: type[Any]
    result: type[JobResult]
    record: type[Job]
    function: str


JOBS: dict[JobKind, JobSpec] = {
    JobKind.FETCH_MODEL: JobSpec(
        "Fetch model", FetchModelConfig, FetchModelResult, FetchModelJob, "core.models.fetch_job:run"
    ),
    JobKind.GENERATE: JobSpec(
        "Generate completions", GenerateConfig, JobResult, GenerateJob, "core.reward.generate_job:run"
    ),
    JobKind.TRAIN_REWARD: JobSpec(
        "Train reward model", TrainRewardConfig, TrainRewardResult, TrainRewardJob, "core.reward.train_job:run"
    ),
    JobKind.TRAIN_POLICY: JobSpec(
        "Tune policy", TrainPolicyConfig, TrainPolicyResult, TrainPolicyJob, "core.rl.train_job:run"
    ),
    JobKind.EXPORT_MODEL: JobSpec(
        "Export model", ExportModelConfig, ExportModelResult, ExportModelJob, "core.models.export_job:run"
    ),
    JobKind.COMPARE: JobSpec(
        "Compare policies", CompareConfig, CompareResult, CompareJob, "core.compare.compare_job:run"
    ),
    JobKind.ANSWER: JobSpec(
        "Answer in the arena", AnswerConfig, AnswerResult, AnswerJob, "core.compare.answer_job:run"
    ),
    JobKind.SCORE: JobSpec("Score text", ScoreConfig, ScoreResult, ScoreJob, "core.reward.score_job:run"),
    JobKind.SCORE_FILE: JobSpec(
        "Score a file", ScoreFileConfig, ScoreFileResult, ScoreFileJob, "core.reward.score_file_job:run"
    ),
    JobKind.SUGGEST: JobSpec(
        "Choose what to label next", SuggestConfig, SuggestResult, SuggestJob, "core.reward.suggest_job:run"
    ),
    JobKind.VERIFY: JobSpec("Verify run", VerifyConfig, VerifyResult, VerifyJob, "core.compare.verify_job:run"),
    JobKind.MEASURE_FRONTIER: JobSpec(
        "Measure the frontier",
        MeasureFrontierConfig,
        MeasureFrontierResult,
        MeasureFrontierJob,
        "core.compare.frontier_job:run",
    ),
    JobKind.SLIDE: JobSpec(
        "Answer at each checkpoint", SlideConfig, SlideResult, SlideJob, "core.compare.slide_job:run"
    ),
    JobKind.JUDGE: JobSpec("Judge answers", JudgingConfig, JudgingResult, JudgingJob, "core.judges.judge_job:run"),
}


def kinds_of(record: type[Job]) -> list[JobKind]:
    """The kinds of jobs that are `record`s; all of them for `Job` itself."""
    return [kind for kind, spec in JOBS.items() if issubclass(spec.record, record)]


def job_config(kind: str, values: Mapping[str, Any]) -> Any:
    """The config of a job that is to run, from JSON; an algorithm's options lie under `options`. Raises `BadInput` for
    what there is not, or is out of its bounds."""
    if kind not in JOBS:
        raise BadInput(f"There is no job called {kind!r}: choose one of {', '.join(JOBS)}.")
    own = {name: value for name, value in values.items() if name != "options"}
    return from_dict(JOBS[JobKind(kind)].config, own)


def algorithm_config(values: Mapping[str, Any]) -> Any:
    """The algorithm's own options of a `train-policy` job, from JSON. Raises `BadInput` as `job_config` does."""
    algorithm = values.get("algorithm", DEFAULT)
    if algorithm not in ALGORITHMS:
        raise BadInput(f"There is no algorithm called {algorithm!r}: choose one of {', '.join(ALGORITHMS)}.")
    return from_dict(ALGORITHMS[algorithm].config, values.get("options", {}))


def config_values(config: Any, options: Any = None) -> dict[str, Any]:
    """A config as the JSON that a job's row keeps: every value, defaults too, so that it never changes."""
    values = asdict(config)
    if isinstance(config, TrainPolicyConfig):
        values["kl_coef"] = config.price
    return values if options is None else values | {"options": asdict(options)}
