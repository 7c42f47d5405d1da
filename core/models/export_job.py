"""The job `export-model`: a tuned policy as a model of its own, that needs neither Plumbline nor PEFT."""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from core.config.chat import Chat
from core.config.jobs import ExportModelConfig, ExportModelResult
from core.config.training import ALGORITHMS, TrainPolicyJob
from core.errors import Diverged, ModelError, first_line, known
from core.events import Progress, Result
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.machine.base_models import ModelSpec, parse
from core.models import adapter_files, vetting
from core.models.chat_tokens import ChatTokens
from core.models.load import chat_of_run, fetched, known_ends, pretrained
from core.runs import preflight
from core.store.files import beside, plain
from core.trust.wish import place_of

#: The file in the job's folder that says which folder it was that became the exported model.
MARK = "exported"
CARD = """---
base_model: {base}
pipeline_tag: text-generation
---

# {name}, run {run}

{base}, tuned with {algorithm} ({steps} steps) against {reward} in the project "{name}". The adapter is merged into the
weights.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # the folder of this file
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
```

A policy does what its reward pays for, and no more: read what it writes before you use it.
"""


def run(context: JobContext) -> Events:
    config: ExportModelConfig = context.config
    project, out, mark = context.project, place_of(config.out), context.folder / MARK
    job = queue.run_of(project, config.policy_job, TrainPolicyJob)
    if _is_ours(out, mark):  # it was cut off once the model was in its place
        yield _written(out, job.id)
        return
    preflight.free_folder(config.out)
    adapter = queue.adapter_of(project, job, config.checkpoint) / "policy"
    spec = parse(project.setting("model"))
    yield from fetched(context, spec, "model")
    yield Progress(0, 3, "Merging the adapter")
    # Merged in float32 and rounded once: in bfloat16 most of what a short run learnt would be lost in the sum.
    found = pretrained(
        AutoModelForCausalLM, spec, "The model", "delete the folder to fetch it again.", dtype=torch.float32
    )
    stored = _stored_dtype(spec.folder)
    model = _merged(found.model, adapter).to(stored)
    _try(model)
    chat = _stopping(model, found.tokenizer, spec, chat_of_run(project, job.id))
    yield Progress(1, 3, "Writing the model")
    with beside.folder(out) as made:
        _save(model, found.tokenizer, made)
        card = _card(context, job, spec.loadable) + _said(chat)
        (made / "README.md").write_text(card, encoding="utf-8")
        context.project.make_run_folder(context.job_id)
        with beside.of_project(mark) as whole:
            whole.write_text(_identity(made), encoding="utf-8")
    yield Progress(3, 3, "Done")
    yield _written(out, job.id)


def _stopping(model: Any, tokenizer: Any, spec: ModelSpec, settings: Chat) -> ChatTokens:
    """Let the model stop by itself where the policy learnt to, and keep the template that it learnt with."""
    vocabulary = model.get_input_embeddings().num_embeddings
    ends = known_ends(model, tokenizer)
    chat = ChatTokens(tokenizer, spec.title, settings, vocabulary=vocabulary, known_ends=ends)
    model.generation_config.eos_token_id = list(chat.ends) if len(chat.ends) > 1 else chat.ends[0]
    if chat.text.choice.plain or settings.chat_template:
        tokenizer.chat_template = chat.text.choice.default
    return chat


def _said(chat: ChatTokens) -> str:
    """What the folder cannot hold of how the policy was asked."""
    said = ""
    if chat.settings.system_prompt:
        said += f"\nIt was tuned with this system prompt:\n\n```\n{chat.settings.system_prompt}\n```\n"
    if chat.stops:
        said += f"\nIts answers also ended at these texts (`stop_strings` of `generate`): {list(chat.stops)!r}.\n"
    return said


def _identity(folder: Path) -> str:
    """It stays the same when the folder is moved on its disk."""
    found = folder.stat()
    return f"{found.st_dev} {found.st_ino}"


def _is_ours(out: Path, mark: Path) -> bool:
    """Is the folder the one that this job wrote, and moved there when it was whole?"""
    whole = mark.is_file() and (out / "config.json").is_file()
    return whole and plain.content(mark) == _identity(out).encode()


def _written(out: Path, policy_job: int) -> Result:
    size = sum(path.stat().st_size for path in out.glob("*.safetensors"))
    dtype = str(_stored_dtype(out)).removeprefix("torch.")
    return Result(ExportModelResult(folder=str(out), policy_job=policy_job, dtype=dtype, bytes=size))


def _merged(model: Any, folder: Path) -> Any:
    """The model with an adapter's weights in its own. Raises `ModelError` if the adapter does not fit."""
    config, shapes = adapter_files.read(folder)
    try:
        with vetting.offline():
            adapter_files.refuse_unfit(model, None, config, shapes)
            peft = PeftModel(model, config)
            adapter_files.fill_from(peft, "default", folder, shapes)
        return peft.merge_and_unload()
    except ValueError as error:
        raise ModelError(
            f"The adapter in {folder} does not fit the model ({first_line(error)}): use its own base model."
        ) from error


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Raises `ModelError` for what the base's files say that transformers will not write."""
    try:
        with vetting.offline():
            model.save_pretrained(folder, safe_serialization=True)
            tokenizer.save_pretrained(folder)
    except Exception as error:
        if isinstance(error, OSError) or known(error) is not None:
            raise
        raise ModelError(
            f"The model cannot be written ({first_line(error)}): its base's files are at odds, fetch it again."
        ) from error


@torch.no_grad()
def _try(model: Any) -> None:
    """Raise `Diverged` where the model would say nothing: a finite adapter may be too large for it."""
    ids = torch.arange(8)[None] % model.get_input_embeddings().num_embeddings
    numbers = model(input_ids=ids, return_dict=True).logits
    if not all(map(adapter_files.is_finite, (numbers, *model.parameters()))):
        raise Diverged("With this adapter the model's probabilities are not numbers: choose another run or checkpoint.")


def _stored_dtype(folder: Path) -> torch.dtype:
    """The number format of the base's own files; float32 where they have none that weights are kept in."""
    from safetensors import safe_open

    known = (torch.float32, torch.bfloat16, torch.float16)
    with safe_open(vetting.weight_files(folder)[0], "pt") as file:
        found = [file.get_tensor(name).dtype for name in list(file.keys())[:1]]
    return found[0] if found and found[0] in known else torch.float32


def _rewarded(job: TrainPolicyJob) -> str:
    """What the run optimised."""
    config = job.config
    if config.train_on_gold:
        model = f"the reward {config.gold}"
    elif config.reward_model:
        model = f"the reward model {config.reward_model}"
    elif job.result.reward_job:
        model = f"the reward model of run {job.result.reward_job}"
    else:
        model = "the project's rankings"
    return f"{model} and the rules {config.rules}" if config.rules else model


def _card(context: JobContext, job: TrainPolicyJob, base: str) -> str:
    algorithm = ALGORITHMS[job.config.algorithm].title
    return CARD.format(
        base=base, name=context.project.name, run=job.id, algorithm=algorithm, steps=job.result.steps or 0,
        reward=_rewarded(job),
    )  # fmt: skip
