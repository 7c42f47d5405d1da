"""The job `export-model`: a tuned policy as a model of its own, that needs no Plumbline and no PEFT; or an adapter."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from core.config.chat import Chat
from core.config.jobs import ExportModelConfig, ExportModelResult
from core.config.training import TrainPolicyJob
from core.errors import Diverged, ModelError, first_line, known
from core.events import Note, Progress, Result
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.machine.adapter_folder import CONFIG
from core.machine.base_models import ModelSpec, parse
from core.models import adapter_export, adapter_files, code_names, export_card, merging, vetting
from core.models.chat_tokens import ChatTokens
from core.models.export_card import Exported
from core.models.fingerprint import base_identity
from core.models.gguf import modelfile, writing
from core.models.load import chat_of_run, fetched, known_ends, pretrained
from core.runs import origins, preflight
from core.store.files import beside, plain
from core.trust.wish import place_of

#: The file in the job's folder that says which folder it was that became the exported model.
MARK = "exported"
GGUF, ADAPTER, MODELFILE = "gguf", "adapter", "Modelfile"
#: The formats that weights are kept in, by safetensors' names, and the names of whole numbers.
FORMATS = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
WHOLE = re.compile(r"[IU]\d|BOOL")
#: One of them is in every folder that is written.
SIGNS = ("config.json", MODELFILE, CONFIG, f"{adapter_export.POLICY}/{CONFIG}")


def run(context: JobContext) -> Events:
    config: ExportModelConfig = context.config
    project, out = context.project, place_of(config.out)
    mark = project.run_file(context.job_id, MARK)
    job = queue.run_of(project, config.policy_job, TrainPolicyJob)
    if _is_ours(out, mark):  # it was cut off once the model was in its place
        yield _written(out, job, config)
        return
    preflight.free_folder(config.out)
    adapter = queue.adapter_of(project, job, config.checkpoint) / "policy"
    spec = parse(project.setting("model"))
    yield from fetched(context, spec, "model")
    yield Progress(0, 3, "Merging the adapter")
    # Merged in float32, and rounded once to the format of the base's own files: that loses some of what a short run
    # learnt, which is measured and told.
    found = pretrained(AutoModelForCausalLM, spec, "The model", f"{spec.remedy}.", dtype=torch.float32)
    origins.refuse_other_base(project, job.id, base_identity(found.model, spec), spec.title)
    chat = _stopping(found.model, found.tokenizer, spec, chat_of_run(project, job.id))
    if config.format == GGUF:
        writing.check(found.model, chat)  # before minutes are spent
    stored = _stored_dtype(vetting.weight_files(spec.folder)) if config.format not in (GGUF, ADAPTER) else None
    both = merging.merged(found.model, adapter, stored)
    model = both.model
    if stored is not None:
        if rounded := merging.told(both.lost, f"run {job.id}", stored, "export with --format adapter"):
            yield Note(rounded)
        model = model.to(stored)
    _try(model)
    file = _file_name(context, job) if config.format == GGUF else ""
    made_of = Exported(project, job, spec, chat, file, is_adapter=config.format == ADAPTER)
    yield Progress(1, 3, "Writing the model")
    with beside.folder(out) as made:
        if made_of.file:
            _save_gguf(model, made_of, made, config.quantize)
        elif made_of.is_adapter:
            adapter_export.write(made, spec, adapter, found.tokenizer)
        else:
            _save(model, found.tokenizer, made)
            _copy_processors(spec.folder, made)
        code_names.leave_out(made)
        (made / "README.md").write_text(export_card.text(made_of), encoding="utf-8")
        context.project.make_run_folder(context.job_id)
        with beside.of_project(mark) as whole:
            whole.write_text(_identity(made), encoding="utf-8")
    yield Progress(3, 3, "Done")
    yield _written(out, job, config)


def _stopping(model: Any, tokenizer: Any, spec: ModelSpec, settings: Chat) -> ChatTokens:
    """Let the model stop by itself where the policy learnt to, and keep the template that it learnt with."""
    vocabulary = model.get_input_embeddings().num_embeddings
    ends = known_ends(model, tokenizer)
    chat = ChatTokens(tokenizer, spec.title, settings, vocabulary=vocabulary, known_ends=ends)
    model.generation_config.eos_token_id = list(chat.ends) if len(chat.ends) > 1 else chat.ends[0]
    if chat.text.choice.plain or settings.chat_template:
        tokenizer.chat_template = chat.text.choice.default
    return chat


def _file_name(context: JobContext, job: TrainPolicyJob) -> str:
    """What the GGUF is called: programs that run it show it by that, and Ollama reads it from a line of a Modelfile."""
    project = "-".join(re.findall(r"[A-Za-z0-9]+", context.project.name))[:60] or "policy"
    return f"{project}-run-{job.id}-{context.config.quantize}.gguf"


def _save_gguf(model: Any, made_of: Exported, folder: Path, kind: str) -> None:
    title = f"{made_of.spec.title} tuned by run {made_of.job.id}"
    writing.write(folder / made_of.file, model, made_of.chat, title, kind)
    (folder / MODELFILE).write_text(modelfile.text(made_of.chat, made_of.file), encoding="utf-8")


def _identity(folder: Path) -> str:
    """It stays the same when the folder is moved on its disk."""
    found = folder.stat()
    return f"{found.st_dev} {found.st_ino}"


def _is_ours(out: Path, mark: Path) -> bool:
    """Is the folder the one that this job wrote, and moved there when it was whole?"""
    whole = mark.is_file() and any((out / name).is_file() for name in SIGNS)
    return whole and plain.content(mark) == _identity(out).encode()


def _written(out: Path, job: TrainPolicyJob, config: ExportModelConfig) -> Result:
    files = [*out.rglob("*.safetensors"), *out.glob("*.gguf")]
    size = sum(path.stat().st_size for path in files)
    dtype = config.quantize if config.format == GGUF else str(_stored_dtype(files)).removeprefix("torch.")
    lacks = export_card.lacks(job)
    return Result(ExportModelResult(folder=str(out), policy_job=job.id, dtype=dtype, bytes=size, lacks=lacks))


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


def _copy_processors(base: Path, folder: Path) -> None:
    """What prepares images and sounds for a model that reads them too, as its base has it."""
    for name in code_names.PROCESSORS:
        if (base / name).is_file():
            (folder / name).write_bytes(plain.content(base / name))


@torch.no_grad()
def _try(model: Any) -> None:
    """Raise `Diverged` where the model would say nothing: a finite adapter may be too large for it."""
    ids = torch.arange(8)[None] % model.get_input_embeddings().num_embeddings
    numbers = model(input_ids=ids, return_dict=True).logits
    if not all(map(adapter_files.is_finite, (numbers, *model.parameters()))):
        raise Diverged("With this adapter the model's probabilities are not numbers: choose another run or checkpoint.")


def _stored_dtype(files: list[Path]) -> torch.dtype:
    """The number format that holds all weights of a model's own files without rounding them; float32 where some are in
    one that no model is kept in here."""
    found = set()
    for path in files:
        with safe_open(path, "pt") as file:
            found |= {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    formats = {FORMATS.get(name, torch.float32) for name in found if not WHOLE.match(name)}
    return formats.pop() if len(formats) == 1 else torch.float32
