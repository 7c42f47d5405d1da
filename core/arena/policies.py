"""Who may take part in an arena, by one line of text each, and what keeps one from answering."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.config.training import TrainPolicyJob, TrainRewardJob
from core.endpoints import address
from core.errors import BadInput, ModelError
from core.jobs import queue
from core.machine import adapter_folder, base_models, chosen_model
from core.records import Job, PolicyKind
from core.runs import wishes
from core.runs.origins import LONGEST as DIGITS
from core.store import Project, arenas
from core.store.arenas import ArenaPolicy
from core.store.packed_rankings import PACK
from core.store.runs import checkpoints
from core.trust import gate, wish

HELP = (
    "`base`, `run:12`, `run:12@best`, `run:12@40` (a step), `best-of-4:12` (of the reference, by the reward model of "
    "run 12, or the one that run 12 was tuned with), `adapter:DIR`, `model:NAME` (a folder, a GGUF file, "
    "hub:owner/name) or `server:URL#MODEL`; each with a name of its own as in `mine=run:12`"
)
#: A name of its own before what it is of; a path may have the sign in it, too.
NAMED = re.compile(r"([^=:/\\@#]{1,80})=(.+)", re.DOTALL)
RUN = re.compile(rf"(\d{{1,{DIGITS}}})(?:@(best|last|\d{{1,{DIGITS}}}))?")
BEST_OF = re.compile(rf"best-of-(\d{{1,3}}):(?:run:)?(\d{{1,{DIGITS}}})")
#: How many answers one may be the best of.
FEWEST, MOST = 2, 64
#: Letters of a policy's name.
LONGEST_NAME = 80


@dataclass(frozen=True)
class Contender:
    """Who is to take part; the fields are those of `ArenaPolicy`."""

    name: str
    kind: PolicyKind
    job_id: int | None = None
    step: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def add(project: Project, arena_id: int, text: str, name: str = "") -> ArenaPolicy:
    """Let the policy that a person named take part, under a `name` of its own if one is given. Raises `AskFirst` where
    they must be asked first, and `BadInput` for what names none, or one that is there."""
    refuse_pack(project)
    gate.choose(project, named_in(text))
    found = parse(project, text, name)
    return arenas.add_policy(
        project, arena_id, found.name, found.kind, job_id=found.job_id, step=found.step, detail=found.detail
    )


def refuse_pack(project: Project) -> None:
    """Raise `BadInput` in a labeling pack, in which policies go by letters and answer nothing."""
    if project.setting(PACK) is not None:
        raise BadInput("This is a labeling pack, in which people only vote: let policies answer where it was made.")


def named_in(text: str) -> list[wish.Wish]:
    """What a person must have agreed to before the policy that `text` names is looked at. Raises `BadInput` for what
    names no place."""
    kind, _, what = _parts(text)[1].partition(":")
    match kind:
        case "adapter":
            return wish.of_file(str(wish.typed(what))) if what else []
        case "model":
            return wish.of_model(what, here=True)
        case "server":
            return wish.of_server(_server(what)[0])
    return []


def parse(project: Project, text: str, name: str = "") -> Contender:
    """The policy that `text` names, see `HELP`. Places are looked at, servers are not asked. Raises `BadInput`."""
    own, form = _parts(text)
    found = _parsed(project, form)
    name = name.strip() or own or found.name
    if len(name) > LONGEST_NAME:
        raise BadInput(f"{name[:40]!r} … is a long name for a policy: give one of at most {LONGEST_NAME} letters.")
    return Contender(name, found.kind, found.job_id, found.step, found.detail)


def _parts(text: str) -> tuple[str, str]:
    """The policy's own name, if it has one, and what it is."""
    named = NAMED.fullmatch(text.strip())
    return (named[1].strip(), named[2].strip()) if named else ("", text.strip())


def _parsed(project: Project, form: str) -> Contender:
    if form == "base":
        return Contender("base", "base")
    if best := BEST_OF.fullmatch(form):
        return _best_of(project, int(best[1]), int(best[2]))
    kind, _, what = form.partition(":")
    if kind == "run" and (run := RUN.fullmatch(what)):
        return _run(project, int(run[1]), run[2] or "last")
    match kind:
        case "adapter" if what:
            folder = wish.typed(what).resolve()
            return Contender(
                folder.name[:LONGEST_NAME], "adapter",
                detail={"folder": str(folder), "sha256": _adapter(folder)},
            )  # fmt: skip
        case "model" if what:
            spec = chosen_model.chosen(what)
            base_models.check(spec)
            return Contender(spec.title[-LONGEST_NAME:], "model", detail={"model": spec.text})
        case "server" if what:
            url, model = _server(what)
            short = f"{model} at {address.parse(url).host}"[:LONGEST_NAME]
            return Contender(short, "server", detail={"address": url, "model": model})
    raise BadInput(f"{form!r:.120} is no policy: write {HELP}.")


def _run(project: Project, number: int, checkpoint: str) -> Contender:
    """A run at its end, or pinned to the step that the word stands for now: a run that goes on becomes another."""
    job = queue.run_of(project, number, TrainPolicyJob)
    if checkpoint == "last" and job.status == "done":
        return Contender(f"run {number}", "run", number)
    if checkpoint == "last":
        step = next((step for step, _ in checkpoints.on_disk(project, number)), None)
    elif checkpoint == "best":
        step = checkpoints.best_step(project, number)
    else:
        step = int(checkpoint)
    if step is None:
        raise BadInput(f"Run {number} keeps no {checkpoint} checkpoint: choose run:{number}, or another run.")
    queue.adapter_of(project, job, str(step))  # raises where it is not kept
    said = "best" if checkpoint == "best" else f"step {step}"
    return Contender(f"run {number} {said}", "run", number, step)


def _best_of(project: Project, n: int, number: int) -> Contender:
    """The best of n answers: of the base by a reward model's run, of a tuned run's own reference by its own reward."""
    if not FEWEST <= n <= MOST:
        raise BadInput(f"The best of {n} is none: choose a number from {FEWEST} to {MOST}.")
    job: Job = queue.get(project, number)
    detail: dict[str, Any] = {"n": n}
    if isinstance(job, TrainPolicyJob):
        detail["reference_of"] = number
        if not job.result.reward_job:
            raise BadInput(f"Run {number} was tuned without a reward model of this project: name one's run.")
        job = queue.get(project, job.result.reward_job)
    reward = queue.run_of(project, job.id, TrainRewardJob)
    own = f", of run {number}'s reference" if "reference_of" in detail else ""
    return Contender(f"best of {n} by run {reward.id}{own}", "best-of-n", reward.id, None, detail)


def _adapter(folder: Path) -> str:
    """The hash of an adapter that a policy can be. Raises `ModelError`."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not there: choose the folder of a LoRA adapter in PEFT's format.")
    if adapter_folder.fields(folder).get("modules_to_save"):
        raise adapter_folder.no_policy(folder)
    return adapter_folder.content_hash(folder)


def _server(what: str) -> tuple[str, str]:
    """The whole address and the model. Raises `BadInput`."""
    url, _, model = what.partition("#")
    whole = address.parse(url).url
    if not model.strip():
        raise BadInput(f"Name the model, too: server:{whole}#MODEL (`server {whole}` lists what there is).")
    if not model.isprintable() or len(model) >= address.LONGEST:
        raise BadInput(f"{model!r:.80} is no name of a model.")
    return whole, model.strip()


def lack(project: Project, policy: ArenaPolicy) -> str:
    """Why a policy cannot answer now, as a sentence; empty where nothing is known that speaks against it. Looks at
    places outside the project: whoever asks was allowed to."""
    try:
        wishes.of_contender(policy)
        match policy.kind:
            case "run" | "best-of-n":
                _check_run(project, policy)
            case "adapter":
                if _adapter(Path(text_of(policy, "folder"))) != text_of(policy, "sha256"):
                    raise BadInput("its files are others than those that were added: put them back, or add it anew.")
            case "model":
                base_models.check(base_models.parse(text_of(policy, "model")))
            case "server":
                _server(f"{text_of(policy, 'address')}#{text_of(policy, 'model')}")
    except (BadInput, ModelError) as error:
        return f"{policy.name} cannot answer: {error}"
    return ""


def _check_run(project: Project, policy: ArenaPolicy) -> None:
    if policy.job_id is None:
        raise BadInput("its run was removed.")
    if policy.kind == "best-of-n":
        queue.run_of(project, policy.job_id, TrainRewardJob)
        number_of(policy, "n")
        if "reference_of" in policy.detail:
            queue.run_of(project, number_of(policy, "reference_of"), TrainPolicyJob)
        return
    job = queue.run_of(project, policy.job_id, TrainPolicyJob)
    queue.adapter_of(project, job, checkpoint_of(policy))


def checkpoint_of(policy: ArenaPolicy) -> str:
    """As `core.jobs.queue.adapter_of` wants it."""
    return "last" if policy.step is None else str(policy.step)


def text_of(policy: ArenaPolicy, name: str) -> str:
    """A text of a policy's details. Raises `BadInput` where there is none: anybody may have written the file."""
    found = policy.detail.get(name)
    if not isinstance(found, str) or not found:
        raise BadInput(f"The policy {policy.name!r:.80} is damaged: take it out of the arena, and add it anew.")
    return found


def number_of(policy: ArenaPolicy, name: str) -> int:
    """A number of a policy's details, as `text_of`."""
    found = policy.detail.get(name)
    if type(found) is not int or not 0 < found < 10**DIGITS or (name == "n" and found > MOST):
        raise BadInput(f"The policy {policy.name!r:.80} is damaged: take it out of the arena, and add it anew.")
    return found
