"""The card of an exported policy: how it is run without Plumbline, and by which recipe it was made."""

from dataclasses import dataclass
from pathlib import Path

from core.config.algorithms import LearnsFrom
from core.config.training import ALGORITHMS, TrainPolicyJob, TrainRewardJob
from core.jobs import queue
from core.labeling import gold
from core.machine.base_models import ModelSpec, parse
from core.models import asking_code, cards, drawing
from core.models.chat_tokens import ChatTokens
from core.report.outcomes import changed_settings
from core.runs import origins
from core.store import Project, labelers, prompts, rankings
from core.trust.code import names_code

#: Settings that may hold places of the machine, which are nobody's business: they are told elsewhere, without.
PLACES = ("start_from", "reference", "reward_model", "gold", "rules", "ptx_text")

CARD = """
# {name}, run {run}

{base}, tuned with {algorithm} ({steps} steps) {learnt} in the project "{name}". {form}

## Use

{use}{lacks}
A policy does what its reward pays for, and no more: read what it writes before you use it.

## Recipe

{recipe}
The project's numbers are those of the day of the export; the run's own are what it was tuned with. Settings that are
not named were at their defaults.
"""
#: What was written, by whether it is adapters alone, and whether the base has one.
FORMS = {
    (False, False): "The adapter is merged into the\nweights.",
    (False, True): "The base's adapter and\nthe policy's are merged into the weights.",
    (True, False): "This is its adapter\nalone, for PEFT.",
    (
        True,
        True,
    ): "These are two adapters,\nfor PEFT: `base` is a part of the base model, `policy` is what was tuned on both. "
    "Without the first one\nthe second makes another model.",
}
WHOLE = """from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # the folder of this file
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
"""
ON_BASE = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = {base}  # its folder, or its name on the hub
folder = "."  # the folder of this file
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(base)
"""
ONE = """model = PeftModel.from_pretrained(model, folder)
"""
TWO = """model = PeftModel.from_pretrained(model, folder + "/base").merge_and_unload()
model = PeftModel.from_pretrained(model, folder + "/policy")
"""
ASKED = """
question = "How are you?"
turns = {turns}
prompt = tokenizer.apply_chat_template(
    turns, add_generation_prompt=True, return_dict=True, return_tensors="pt"{more}
)
answer = model.generate(**prompt, max_new_tokens=64, do_sample=False{stops})
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))"""
LLAMA_CPP = """from llama_cpp import Llama

model = Llama({file}, n_ctx=0, verbose=False)  # in the folder of this file
question = "How are you?"
turns = {turns}
answer = model.create_chat_completion(turns, max_tokens=64, temperature=0{stops})
print(answer["choices"][0]["message"]["content"])"""
OLLAMA = """In this folder, `ollama create NAME -f Modelfile` makes a model of it that `ollama run NAME` answers with.
LM Studio and llama.cpp take the file {file} as it is, and so does Python with `llama-cpp-python`:

"""


@dataclass(frozen=True)
class Exported:
    """What was written: `file` is the GGUF's name, empty for a folder that transformers or PEFT loads."""

    project: Project
    job: TrainPolicyJob
    spec: ModelSpec
    chat: ChatTokens
    file: str = ""
    is_adapter: bool = False


def text(found: Exported) -> str:
    project, job = found.project, found.job
    head = {
        "base_model": found.spec.source if found.spec.kind == "hub" else "",
        "library_name": "gguf" if found.file else "peft" if found.is_adapter else "transformers",
        "pipeline_tag": "text-generation",
    }
    return cards.front(head) + CARD.format(
        name=cards.plain(project.name), run=job.id, base=cards.plain(found.spec.title), steps=job.result.steps or 0,
        algorithm=ALGORITHMS[job.config.algorithm].title, learnt=_rewarded(job), use=_use(found),
        form=FORMS[found.is_adapter, bool(found.spec.adapter)], recipe=cards.table(_recipe(found)),
        lacks=f"\n**{lacks(job)}**\n" if lacks(job) else "",
    ) + _said(found)  # fmt: skip


def lacks(job: TrainPolicyJob) -> str:
    """What of its policy a model alone cannot hold, for a person; empty where it holds all."""
    if not drawing.is_guided(job):
        return ""
    return (
        f"{drawing.learnt_within(job)}, which no model's file can hold: this model draws from all of it, so it is not "
        "the policy that was trained and measured, and what is known of that need not hold here."
    )


def snippet(found: Exported) -> str:
    """Python that asks the model one question, with nothing of Plumbline."""
    chat, stops = found.chat.text, list(found.chat.stops)
    asked = asking_code.turns(chat, "question")
    ending = cards.literal(stops)
    if found.file:
        return LLAMA_CPP.format(file=cards.literal(found.file), turns=asked, stops=f", stop={ending}" if stops else "")
    ends = f", eos_token_id={list(found.chat.ends)}" if found.is_adapter else ""
    return _loaded(found) + asking_code.template(chat, is_own=True) + ASKED.format(
        turns=asked, stops=ends + (f", stop_strings={ending}, tokenizer=tokenizer" if stops else ""),
        more=asking_code.arguments(chat),
    )  # fmt: skip


def _loaded(found: Exported) -> str:
    """Python that makes `tokenizer` and `model`."""
    if not found.is_adapter:
        return WHOLE
    return ON_BASE.format(base=cards.literal(found.spec.named)) + (TWO if found.spec.adapter else ONE)


def _use(found: Exported) -> str:
    before = OLLAMA.format(file=cards.span(found.file)) if found.file else ""
    return before + cards.block(snippet(found), "python")


def _recipe(found: Exported) -> list[tuple[str, str]]:
    project, job = found.project, found.job
    came = job.result
    settings = ", ".join(
        cards.span(f"{item.name} {item.value}") for item in changed_settings(job) if item.name not in PLACES
    )
    rows = [
        ("Started from", cards.plain(found.spec.title) + _begun(job)),
        ("Adapter in the base", _adapter(found.spec)),
        ("Prompts", f"{prompts.count(project, 'train'):,} to train on, {prompts.count(project, 'heldout'):,} held out"),
        ("Rankings", _ranked(project)),
        ("Learnt", "; ".join(filter(None, [_rewarded(job), _reward_model(project, job)]))),
        ("Algorithm", f"{ALGORITHMS[job.config.algorithm].title}, {came.steps or 0} steps"),
        ("Settings", settings or "all at their defaults"),
        (
            f"KL to {cards.plain(_without_place(came.reference)) or 'the base'}",
            "" if came.kl is None else f"{came.kl:.3g} nats a completion",
        ),
        ("Loss of held-out answers", _lowered(came.loss_before, came.loss_after)),
        ("Reward on held-out prompts", _gained(came.reward_before, came.reward_after)),
        (
            f"Gold reward {cards.span(_without_folder(job.config.gold))} on held-out prompts",
            _gained(came.gold_before, came.gold_after),
        ),
    ]
    return [(name, value) for name, value in rows if value]


def _adapter(spec: ModelSpec) -> str:
    return f"{cards.span(Path(spec.adapter).name)}, SHA-256 {cards.span(spec.adapter_sha256)}" if spec.adapter else ""


def _begun(job: TrainPolicyJob) -> str:
    return f", with {cards.plain(_without_place(job.result.start))}" if job.result.start else ""


def _named(model: str) -> str:
    spec = parse(model)
    return f"hub:{spec.source}" if spec.kind == "hub" else cards.last_name(spec.name)


def _without_folder(reward: str) -> str:
    """A reward by its name, and without the folder in which its code lies."""
    place, _, function = reward.rpartition(":")
    in_file = names_code(reward) and place.endswith(".py")
    return f"{cards.last_name(place)}:{function}" if in_file else reward


def _rules(text: str) -> str:
    return "; ".join(f"{weight:g}*{_without_folder(name)}" for weight, name in gold.rules(text))


def _without_place(words: str) -> str:
    before, named, place = words.partition(origins.ADAPTER_IN)
    return f"{before}{named}{cards.last_name(place)}" if named else words


def _ranked(project: Project) -> str:
    """How many orders count, by whom, under which guidelines."""
    counted = rankings.count_by_labeler(project)
    kinds = [labeler.kind for labeler in labelers.listed(project) if labeler.id in counted]
    if not counted:
        return "none"
    names = {"person": "people", "scripted": "programs", "judge": "judges"}
    by = [f"{kinds.count(kind)} {name}" for kind, name in names.items() if kind in kinds]
    versions = rankings.guidelines_used(project)
    under = f"version {versions[-1]} of the guidelines" if len(versions) == 1 else (
        f"versions {versions[0]} to {versions[-1]} of the guidelines"
    )  # fmt: skip
    return f"{sum(counted.values()):,} by {' and '.join(filter(None, [', '.join(by[:-1]), *by[-1:]]))}, under {under}"


def _reward_model(project: Project, job: TrainPolicyJob) -> str:
    """What the reward model learnt from, and how well."""
    if ALGORITHMS[job.config.algorithm].offline:
        return ""
    run = next((run for run in queue.listed(project, TrainRewardJob) if run.id == job.result.reward_job), None)
    if run is None:
        return ""
    came = run.result
    told = "" if came.accuracy is None else f"it {cards.ordered(came.accuracy)}"
    return "; ".join(filter(None, [cards.learnt(came.pairs, came.prompts), told]))


def _gained(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"{before:+.3f} before, {after:+.3f} after"


def _lowered(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"{before:.3f} before, {after:.3f} after (nats a token)"


def _rewarded(job: TrainPolicyJob) -> str:
    """What the run optimised, as Markdown."""
    config = job.config
    learns_from = ALGORITHMS[config.algorithm].learns_from
    if learns_from is LearnsFrom.ANSWERS:
        return "from answers that people wrote or ranked best"
    if learns_from is LearnsFrom.VERDICTS:
        return "from verdicts on answers, good or bad"
    if learns_from is LearnsFrom.RANKINGS:
        return "from the project's rankings"
    if config.rules_only:
        return f"against the rules {cards.span(_rules(config.rules))} alone"
    if config.train_on_gold:
        model = f"against the reward {cards.span(_without_folder(config.gold))}"
    elif config.reward_model:
        model = f"against the reward model {cards.span(_named(config.reward_model))}"
    elif job.result.reward_job:
        model = f"against the reward model of run {job.result.reward_job}"
    else:
        return f"against the rules {cards.span(_rules(config.rules))}"
    return f"{model} and the rules {cards.span(_rules(config.rules))}" if config.rules else model


def _said(found: Exported) -> str:
    """How the policy was asked."""
    chat, said = found.chat, ""
    given = asking_code.arguments(chat.text).removeprefix(", ")
    parts = [cards.span(given)] if given else []
    if asking_code.template(chat.text, is_own=True):
        parts.append(f"{chat.settings.chat_date} as today's date")
    if found.file and parts:
        said += (
            f"\nIts chat template was given {' and '.join(parts)}, which `create_chat_completion` above cannot be "
            "told: what else runs the file may have options for it.\n"
        )
    if chat.settings.system_prompt:
        said += f"\nIt was tuned with this system prompt:\n\n{cards.block(chat.settings.system_prompt)}"
    if chat.stops:
        stops = ", ".join(cards.span(cards.literal(stop)) for stop in chat.stops)
        said += f"\nIts answers also ended at these texts (`stop_strings` of `generate`): {stops}.\n"
    return said
