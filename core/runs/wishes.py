"""What jobs name that reaches beyond their project: code, models from elsewhere, files."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar, cast

from core.config.arena import AnswerConfig
from core.config.frontier import MeasureFrontierConfig
from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig
from core.config.judging import JudgeBy, JudgeSpec, JudgingConfig
from core.config.scoring import JudgeConfig, ScoreFileConfig
from core.config.slider import SlideConfig
from core.config.training import TrainPolicyConfig, TrainPolicyJob
from core.config.verifying import VerifyConfig
from core.endpoints import address
from core.errors import BadInput
from core.jobs import queue
from core.labeling import gold
from core.machine import base_models
from core.runs import origins
from core.store import Project, arenas
from core.store.arenas import ArenaPolicy
from core.trust import code, gate, wish
from core.trust.wish import Wish

#: Makes wishes of the text that a setting holds.
Maker = Callable[[str], list[Wish]]
Config = TypeVar("Config")


def of_gold(name: str) -> list[Wish]:
    """The code that a reward is; the built-in ones are free."""
    return [code.wish_of(name)] if code.names_code(name) else []


def of_start(text: str) -> list[Wish]:
    """The folder of the adapter that a run begins from; a run of the project is free."""
    return [] if origins.run_named(text) is not None else wish.of_file(text)


def of_contender(policy: ArenaPolicy) -> list[Wish]:
    """What a policy of an arena needs beyond the project. Raises `BadInput` for what is no name."""
    match policy.kind:
        case "adapter":
            return wish.of_file(str(policy.detail.get("folder", "")))
        case "model":
            return wish.of_model(str(policy.detail.get("model", "")))
        case "server":
            return wish.of_server(str(policy.detail.get("address", "")))
    return []


def _of_sound(policy: ArenaPolicy) -> list[Wish]:
    """Nothing of one that is damaged: the job asks it for nothing, says so, and lets the others answer."""
    try:
        return of_contender(policy)
    except BadInput:
        return []


def named(project: Project, config: object) -> list[Wish]:
    """What a job's settings name, those of the run that it compares or does again, and the policies of its arena.
    Raises `BadInput` for what is no name."""
    contenders = [each for policy in _contenders(project, config) for each in _of_sound(policy)]
    return _different([*_made(config), *_made(_compared(project, config), again=True), *contenders])


def base(project: Project) -> list[Wish]:
    """The project's base model, where it has to be fetched or lies elsewhere."""
    return wish.of_model(str(project.setting("model", base_models.EMBEDDED)))


def check_look(project: Project) -> None:
    """Raises `AskFirst` before anybody looks at a base that lies elsewhere, where nobody allowed that."""
    gate.check(project, wish.of_looking(base_models.parse(str(project.setting("model", base_models.EMBEDDED)))))


def check_server(project: Project, text: str) -> None:
    """Raises `AskFirst` before anything is sent to a server, where nobody allowed that."""
    gate.check(project, wish.of_server(text))


def choose_server(project: Project, text: str) -> None:
    """A person wants to know which models a server has. Raises `AskFirst` where they must be asked first, and
    `BadInput` for what is no address."""
    gate.choose(project, wish.of_server(text))


def choose(project: Project, config: object, taken: object = None) -> None:
    """A person starts a job of these settings: raises `AskFirst` where they must be asked first. What settings of the
    project name, those `taken` over, those of the run that is compared and the policies of an arena, nobody typed: it
    must have been allowed."""
    theirs = _keys(taken) | _keys(_compared(project, config), again=True)
    theirs |= {each.key for policy in _contenders(project, config) for each in _of_sound(policy)}
    wanted = named(project, config)
    gate.choose(project, [each for each in wanted if each.key not in theirs])
    gate.check(project, [each for each in wanted if each.key in theirs] + base(project))


def from_here(config: Config) -> Config:
    """The same settings, as a person typed them, with a reward model, an adapter, a file and a folder by their whole
    paths, because a job may be taken up again from another folder, and a server by its whole address. Raises `BadInput`
    for what names none."""
    found: object = config
    if isinstance(found, TrainPolicyConfig | ScoreFileConfig | JudgeConfig) and found.reward_model:
        found = replace(found, reward_model=base_models.kept(found.reward_model))
    if isinstance(found, TrainPolicyConfig):
        if origins.run_named(found.start_from) is None:
            found = replace(found, start_from=_whole(found.start_from))
        found = replace(found, ptx_text=_whole(found.ptx_text))
    if isinstance(found, ScoreFileConfig):
        found = replace(found, path=_whole(found.path), out=_whole(found.out))
    if isinstance(found, ExportModelConfig):
        found = replace(found, out=_whole(found.out))
    if isinstance(found, GenerateConfig) and found.server:
        found = replace(found, server=address.parse(found.server).url)
    if isinstance(found, JudgingConfig) and found.by:
        found = replace(found, by=_judge_from_here(found.spec).text)
    return cast(Config, found)


def _judge_from_here(spec: JudgeSpec) -> JudgeSpec:
    if spec.by is JudgeBy.SERVER:
        return replace(spec, name=address.parse(spec.name).url)
    if spec.by is JudgeBy.REWARD and spec.name:
        return replace(spec, name=base_models.kept(spec.name))
    return spec


def _whole(path: str) -> str:
    return str(wish.typed(path)) if path else ""


def check(project: Project, config: object) -> None:
    """Raises `AskFirst` unless everything that a job wants was allowed."""
    gate.check(project, named(project, config) + base(project))


def of_project(project: Project) -> tuple[list[Wish], list[str]]:
    """Everything that its jobs and its base want, and a sentence about each name that cannot be followed."""
    found, refused = [], dict[str, None]()
    makers: list[tuple[Maker, str]] = [(wish.of_model, str(project.setting("model", base_models.EMBEDDED)))]
    for job in queue.listed(project):
        try:
            over = job.status == "done"  # its files are written, its rewards may be asked again by a comparison
            makers += [
                (make, text) for make, text in _texts(job.config) if not over or make not in (wish.of_file, of_start)
            ]
        except BadInput as error:
            refused[str(error)] = None
    for make, text in makers:
        try:
            found += make(text)
        except BadInput as error:
            refused[str(error)] = None
    for policy in (each for arena in arenas.listed(project) for each in arenas.policies(project, arena.id)):
        try:
            found += of_contender(policy)
        except BadInput as error:
            refused[str(error)] = None
    return _different(found), list(refused)


def _texts(config: object, *, again: bool = False) -> list[tuple[Maker, str]]:
    """The settings that name something, each with what makes wishes of it. What a run began from, and what it
    mixes in, is not wanted `again`, when its policy is measured: the run keeps it."""
    if isinstance(config, TrainPolicyConfig):
        rules = [(of_gold, name) for _, name in gold.rules(config.rules)]
        begins = [] if again else [(of_start, config.start_from), (wish.of_file, config.ptx_text)]
        return [(of_gold, config.gold), *rules, (wish.of_reward_model, config.reward_model), *begins]
    if isinstance(config, CompareConfig):
        return [(of_gold, config.gold)]
    if isinstance(config, ScoreFileConfig):
        return [(wish.of_reward_model, config.reward_model), (wish.of_file, config.path), (wish.of_file, config.out)]
    if isinstance(config, JudgeConfig):
        return [(wish.of_reward_model, config.reward_model)]
    if isinstance(config, GenerateConfig):
        return [(wish.of_server, config.server)]
    if isinstance(config, JudgingConfig):
        return _of_judge(config)
    return [(wish.of_file, config.out)] if isinstance(config, ExportModelConfig) else []


def _of_judge(config: JudgingConfig) -> list[tuple[Maker, str]]:
    makers: dict[JudgeBy, Maker] = {
        JudgeBy.REWARD: wish.of_reward_model, JudgeBy.GOLD: of_gold, JudgeBy.SERVER: wish.of_server,
    }  # fmt: skip
    spec = config.spec if config.by else None
    return [(makers[spec.by], spec.name)] if spec is not None and spec.by in makers else []


def _made(config: object, *, again: bool = False) -> list[Wish]:
    return [each for make, text in _texts(config, again=again) for each in make(text)]


def _keys(config: object, *, again: bool = False) -> set[str]:
    found: set[str] = set()
    with suppress(BadInput):  # rules that are none
        for make, text in _texts(config, again=again):
            with suppress(BadInput):  # a name of nothing
                found |= {each.key for each in make(text)}
    return found


def _compared(project: Project, config: object) -> TrainPolicyConfig | None:
    """The settings of the run that is compared, looked at step by step, or done again."""
    with suppress(BadInput):
        if isinstance(config, CompareConfig | MeasureFrontierConfig | SlideConfig):
            return queue.run_of(project, config.policy_job, TrainPolicyJob).config
        if isinstance(config, VerifyConfig):
            job = queue.get(project, config.run)
            return job.config if isinstance(job, TrainPolicyJob) else None
    return None


def _contenders(project: Project, config: object) -> list[ArenaPolicy]:
    """The policies of the arena that a job lets answer."""
    if not isinstance(config, AnswerConfig):
        return []
    return arenas.policies(project, arenas.get(project, config.arena).id)


def _different(found: Iterable[Wish]) -> list[Wish]:
    return list({each.key: each for each in found}.values())
