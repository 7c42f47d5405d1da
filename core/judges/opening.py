"""The judge that was named, ready to be asked: its name among the labelers, and what of it must stay the same."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from core.config.judging import JUDGE, JudgeBy, JudgingConfig
from core.config.options import as_stored
from core.config.training import TrainPolicyJob
from core.endpoints import keys
from core.endpoints.address import parse
from core.endpoints.server import Server
from core.errors import BadInput
from core.events import Event, Note
from core.jobs import queue
from core.jobs.context import JobContext
from core.judges.asked import AskedModel, LocalModel, ServerModel
from core.judges.scores import GoldScores, RewardScores, Scores
from core.labeling import gold
from core.labeling.own_reward import OwnReward
from core.models import drawing
from core.models.adapters import REFERENCE, SharedModel
from core.models.load import base_of
from core.models.writers import chosen_model
from core.reward.judge import judge_of
from core.reward.reward_function import Weights
from core.runs import wishes
from core.store import completions

EXPLAINS = ", explains"
GUIDED = "As a judge it is asked without the part of the vocabulary that it learnt within."


@dataclass(frozen=True)
class Opened:
    """Either `scores` or a `model` that is asked. `weights` must be these when the job is resumed."""

    name: str
    detail: str
    scores: Scores | None = None
    model: AskedModel | None = None
    weights: dict[str, Any] = field(default_factory=dict)
    own: OwnReward | None = None

    def told(self) -> Iterator[Note]:
        """What its code said since this was last asked."""
        for text in self.own.told() if self.own else ():
            yield Note(text)


def opened_judge(
    context: JobContext, stack: ExitStack, begun: Sequence[dict[str, Any]]
) -> Generator[Event, None, Opened]:
    """The judge of the job's settings, as it was when the job was `begun`. Raises `KnownError`."""
    config: JudgingConfig = context.config
    spec = config.spec
    weights = as_stored(Weights, begun[0].get("weights") or {}) if begun else None
    if spec.by is JudgeBy.REWARD:
        judge = yield from judge_of(context, reward_job=spec.run, reward_model=spec.name, begun=weights)
        stack.callback(judge.close)
        what = f"reward model of run {spec.run}" if spec.run else f"reward model {spec.name}"
        return Opened(JUDGE + what, spec.text, RewardScores(judge), weights=asdict(judge.reward.weights))
    if spec.by is JudgeBy.GOLD:
        reward = gold.find(context.project, spec.name)
        own = reward if isinstance(reward, OwnReward) else None
        return Opened(f"{JUDGE}gold {spec.name}", spec.text, GoldScores(reward), own=own)
    how = EXPLAINS if config.explain else ""
    if spec.by is JudgeBy.SERVER:
        wishes.check_server(context.project, spec.name)
        address = parse(spec.name)
        context.report_status(f"Asking {address.url}")
        server = stack.enter_context(Server(address, keys.of(address)))
        model = chosen_model(server, spec.model)
        name = completions.server_name(model, address.url)
        return Opened(f"{JUDGE}{name}{how}", name, model=ServerModel(server, model, config))
    base = yield from base_of(context)
    if config.max_new_tokens >= base.context and config.explain:
        raise BadInput(f"{base.spec.title} reads {base.context} tokens at most: lower --max-new-tokens.")
    shared = SharedModel(base, report_status=context.report_status)
    stack.callback(shared.close)
    role, what = REFERENCE, base.spec.title
    if spec.by is JudgeBy.RUN:
        run = queue.run_of(context.project, spec.run, TrainPolicyJob)
        drawn = drawing.load(context.project, shared, run, "last", f"policy{run.id}")
        role, what = drawn.role, f"policy of run {run.id}"
        if drawn.note or drawn.guide:
            yield Note(drawn.note or GUIDED)
    return Opened(f"{JUDGE}{what}{how}", spec.text, model=LocalModel(shared, role, config))
