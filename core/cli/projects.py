"""Commands about a project as a whole, its guidelines and its base model."""

from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import psutil

from core import demo, humanize
from core.cli.output import ProgressLine, folder_argument, json_option, opened, show, table
from core.config.algorithms import VALUE_MODELS
from core.errors import BadInput
from core.guidance.guidelines_checks import missing
from core.machine import base_models, compute_settings, memory_plan, model_files
from core.machine.chosen_model import chosen
from core.projects import archive
from core.run_demo import run_demo as run_the_demo
from core.store import create_project, guidelines
from core.store.begun import Change
from core.trust import gate
from core.trust.wish import of_looking

adapter_option = click.option(
    "--adapter", default="", help="Folder of a LoRA adapter (PEFT, safetensors) that is merged into the base model."
)


@click.command()
@folder_argument
@click.option("--name", default="", help="Shown in the window; the folder's name if not given.")
@click.option(
    "--model", default=base_models.EMBEDDED, show_default=True,
    help="Base model: embedded, hub:owner/name, a folder of safetensors, a GGUF file, or an adapter's folder.",
)  # fmt: skip
@adapter_option
@click.option("--template", default="helpful-honest-harmless", show_default=True, help="Guidelines to begin with.")
@json_option
def new(folder: Path, name: str, model: str, adapter: str, template: str, as_json: bool) -> None:
    """Make an empty project in DIR."""
    base_models.check(spec := chosen(model, adapter))
    written = guidelines.from_markdown(_template(template).read_text(encoding="utf-8"))
    made = create_project(folder, name, spec.text, lambda project: guidelines.save(project, **written))
    with closing(made) as project:
        gate.made_here(project)
        on_it = f" Its base model is {spec.title}." if spec.adapter else ""
        values = {"folder": str(project.folder), "name": project.name, "model": model} | _adapter(spec)
        show(values, as_json, f"Made {project.folder}.{on_it}{_plain(spec)}")


def _adapter(spec: base_models.ModelSpec) -> dict[str, str]:
    return {"adapter": spec.adapter, "adapter_sha256": spec.adapter_sha256} if spec.adapter else {}


def _plain(spec: base_models.ModelSpec) -> str:
    """What is said of a model that was not taught to talk, and of an adapter that may have been taught otherwise."""
    if spec.adapter and model_files.has_chat_template(Path(spec.adapter)):
        return (
            f"\n{spec.adapter} has a tokenizer and a chat template of its own: conversations are put as {spec.title} "
            "without the adapter has them. Choose its template with the command `chat-settings` (chat-template) if it "
            "is another."
        )
    if not base_models.is_ready(spec) or model_files.has_chat_template(spec.folder):
        return ""
    return (
        f"\n{spec.title} has no chat template: its prompts are written the plain way, `User:` and `Assistant:` before "
        "the turns. Choose another with the command `chat-settings` (chat-template)."
    )


def _template(name: str) -> Path:
    templates = guidelines.templates()
    if name not in templates:
        raise BadInput(f"There is no template {name!r}: choose one of {', '.join(templates)}.")
    return templates[name]


@click.command("demo")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@json_option
def demo_command(folder: Path | None, as_json: bool) -> None:
    """Install the demo project, which has content at every stage (by default in your data folder)."""
    target = demo.install(folder)
    show({"folder": str(target)}, as_json, f"The demo project is in {target}.")


@click.command("guidelines")
@folder_argument
@click.option("--template", help="Take over one of the shipped guidelines.")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Take over a Markdown file.")
@click.option(
    "--begun",
    type=int,
    metavar="N",
    help="The file was made from version N: what it left as it was there stays as it is now, and nothing is written "
    "over that was saved since.",
)
@click.option("--check", "check", is_flag=True, help="Say what the guidelines lack; exit code 1 if they lack anything.")
@click.option("--history", is_flag=True, help="List the versions.")
@click.option("--version", "number", type=int, help="Show this version.")
@json_option
def guidelines_command(
    folder: Path, template: str | None, path: Path | None, begun: int | None, check: bool, history: bool,
    number: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Show the guidelines, or save a new version of them."""
    with opened(folder) as project:
        if template or path:
            source = _template(template) if template else path
            assert source is not None
            try:
                text = source.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise BadInput(f"{source} cannot be read as text: choose a Markdown file in UTF-8.") from error
            over = guidelines.current(project) if begun is None else guidelines.version(project, begun)
            guidelines.save_change(project, Change(guidelines.from_markdown(text), guidelines.begun_over(over)))
        if history:
            versions = guidelines.versions(project)
            rows = [
                (item.id, item.created_at, item.criteria.splitlines()[0] if item.criteria else "") for item in versions
            ]
            show({"versions": [list(row) for row in rows]}, as_json, table(rows, ("version", "saved", "begins")))
            return 0
        current = guidelines.version(project, number) if number else guidelines.current(project)
        if check:
            lacking = missing(current)
            text = "\n".join(f"{item.part}: {item.advice}" for item in lacking) or "Nothing is missing."
            show({"missing": [asdict(item) for item in lacking]}, as_json, text)
            return 1 if lacking else 0
        text = guidelines.to_markdown(current)
        show({"version": current.id, "markdown": text, "flags": guidelines.flags(current)}, as_json, text)
        return 0


@click.command()
@folder_argument
@click.argument("name", required=False)
@adapter_option
@json_option
def model(folder: Path, name: str | None, adapter: str, as_json: bool) -> None:
    """Show the base model of DIR, or set it to NAME (embedded, hub:owner/name, a folder, a GGUF file)."""
    if adapter and name is None:
        raise BadInput(f"Name the base model that the adapter is put on: model {folder} NAME --adapter {adapter}.")
    with opened(folder) as project:
        if name is not None:
            base_models.check(spec := chosen(name, adapter))
            project.set_setting("model", spec.text)
            gate.choose_model(project, spec.text)
        spec = base_models.parse(project.setting("model", base_models.EMBEDDED))
        if gate.lacking(project, of_looking(spec)):
            values = {"kind": spec.kind, "source": spec.source, "folder": spec.source, "ready": False}
            text = f"{spec.title} ({spec.kind}), not looked at before `trust`: {spec.text}"
            show(values | _adapter(spec), as_json, text)
            return
        ready = base_models.is_ready(spec)
        text = f"{spec.title} ({spec.kind}), {'on disk' if ready else 'fetched when first needed'}: {spec.folder}"
        if spec.adapter:
            text += f"\nwith the adapter in {spec.adapter} (SHA-256 {spec.adapter_sha256})"
        text += _plain(spec)
        values = {"kind": spec.kind, "source": spec.source, "folder": str(spec.folder), "ready": ready}
        show(values | _adapter(spec), as_json, text)


@click.command("run-demo")
@folder_argument
@click.option("--model", default=base_models.EMBEDDED, show_default=True, help="Base model, as in `new`.")
@click.option("--steps", default=demo.POLICY.steps, show_default=True, type=click.IntRange(1), help="PPO steps.")
@click.option("--gold", default=demo.GOLD, show_default=True, help="Gold reward that the scripted labeler follows.")
@json_option
def run_demo(folder: Path, model: str, steps: int, gold: str, as_json: bool) -> None:
    """Do the whole loop in DIR, from prompts to a comparison on held-out prompts, ranked by a script.

    Interrupted, it goes on where it stopped when it is called again.
    """
    line = ProgressLine()
    try:
        policy = replace(demo.POLICY, steps=steps)
        found = run_the_demo(folder, progress=line, model=model, gold_reward=gold, policy=policy)
    finally:
        line.close()
    rows = [
        ("pairs", found["pairs"], None),
        ("held-out accuracy of the reward model", found["reward_model_accuracy"], None),
        ("mean reward, before and after", found["reward_before"], found["reward_after"]),
        (f"mean gold reward ({gold}), before and after", found["gold_before"], found["gold_after"]),
        ("KL to the reference (nats a completion)", None, found["kl"]),
        ("seconds", found["seconds"], None),
    ]
    show(found, as_json, table(rows, ("", "before", "after")))


COUNT = click.IntRange(min=1)


@click.command("plan")
@click.option("--model", default="", help="Base model as in `new`; it must be on this machine.")
@click.option("--size", type=click.Choice(list(memory_plan.KNOWN)), help="Instead of a model: a well-known size.")
@click.option("--memory", type=click.FloatRange(min=0.1), help="Gigabytes that may be used; else those of `settings`.")
@click.option("--on", "device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
@click.option("--batch", default=16, type=COUNT, show_default=True, help="Completions a step.")
@click.option("--completions", default=1, type=COUNT, show_default=True, help="Completions that share a prompt.")
@click.option("--prompt-tokens", default=128, type=COUNT, show_default=True, help="Length of a prompt.")
@click.option("--max-new-tokens", default=128, type=COUNT, show_default=True, help="Length of a completion.")
@click.option("--lora-targets", type=click.Choice(["all-linear", "attention"]), default="all-linear", show_default=True)
@click.option(
    "--value-model", type=click.Choice(VALUE_MODELS), default="head", show_default=True,
    help="Of algorithms with a critic.",
)  # fmt: skip
@click.option(
    "--ptx-batch", default=0, type=click.IntRange(min=0), show_default=True,
    help="Answers, or windows of a text, that PPO-ptx mixes into each optimizer step.",
)  # fmt: skip
@click.option(
    "--ptx-length", default=256, type=click.IntRange(min=2), show_default=True, help="Tokens of each of them."
)
@click.option("--fsdp", default=1, type=COUNT, show_default=True, help="Cards that the base is spread over.")
@click.option("--lora-rank", default=16, type=COUNT, show_default=True, help="Size of the adapter.")
@json_option
def plan_command(
    model: str, size: str | None, memory: float | None, device: str, batch: int, completions: int, prompt_tokens: int,
    max_new_tokens: int, lora_targets: str, value_model: str, ptx_batch: int, ptx_length: int, fsdp: int,
    lora_rank: int, as_json: bool,
) -> None:  # fmt: skip
    """How much memory tuning a policy takes, and what fits: computed from the model's shape, nothing is loaded."""
    shape = memory_plan.KNOWN[size] if size else memory_plan.shape_of(chosen(model))
    budget = compute_settings.chosen().memory_gb
    if not memory and not budget and device != "cpu":
        raise BadInput(
            "Say how many gigabytes the card has with --memory, or plan for this machine's CPU with --on cpu."
        )
    room = (memory or budget) * 1e9 or psutil.virtual_memory().total
    work = memory_plan.Work(
        device=device, rank=lora_rank, targets=lora_targets, prompt=prompt_tokens, response=max_new_tokens,
        batch=batch, copies=completions, micro_batch=batch, processes=fsdp,
        value_adapter=value_model == "adapter", mixed=ptx_batch, mixed_tokens=ptx_length,
    )  # fmt: skip
    found: dict[str, Any] = {}
    for dtype in ("float32", "bfloat16", *(["4bit"] if device == "cuda" and fsdp == 1 else [])):
        fits = memory_plan.fitting(shape, replace(work, dtype=dtype), room)
        least = memory_plan.total(shape, fits or replace(work, dtype=dtype, micro_batch=1)) / 1e9
        found[dtype] = {"fits": fits is not None, "micro_batch": fits.micro_batch if fits else None, "gb": least}
    rows = [(name, *(("yes" if x["fits"] else "no"), x["micro_batch"], f"{x['gb']:.1f}")) for name, x in found.items()]
    text = table(rows, ("base in", f"fits {room / 1e9:.0f} GB", "micro-batch", "GB at the peak"))
    show({"memory_gb": room / 1e9} | found, as_json, text)


@click.command("archive")
@folder_argument
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--without-checkpoints", is_flag=True, help="Leave out the weights and optimizer states of all runs.")
@json_option
def archive_command(folder: Path, path: Path, without_checkpoints: bool, as_json: bool) -> None:
    """Write the project in DIR to one file, NAME.plumbline.zip, to keep or to take elsewhere.

    A base model that lies in a folder of its own is not in it. A file that is there is replaced once the new one
    is complete. Without checkpoints it is small: all that was ranked, measured and written is in it, but no run can
    be used, compared or gone on from there.
    """
    path = archive.archive(folder, path, with_checkpoints=not without_checkpoints)
    taken = path.stat().st_size
    show({"file": str(path), "bytes": taken}, as_json, f"{path} holds the project ({humanize.size(taken)}).")


@click.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@folder_argument
@json_option
def restore_command(path: Path, folder: Path, as_json: bool) -> None:
    """Make a project in DIR, a new folder, of the archive FILE."""
    target = archive.restore(path, folder)
    show({"folder": str(target)}, as_json, f"The project is in {target}.")


@click.command("duplicate")
@folder_argument
@click.argument("target", metavar="TO", type=click.Path(path_type=Path))
@click.option("--name", default="", help="What the copy is called; as the project if not given.")
@json_option
def duplicate_command(folder: Path, target: Path, name: str, as_json: bool) -> None:
    """Copy the project in DIR to the new folder TO. Jobs that wait or run do not run in the copy."""
    target = archive.duplicate(folder, target, name=name)
    show({"folder": str(target)}, as_json, f"The copy is in {target}.")


COMMANDS = (
    new, demo_command, guidelines_command, model, plan_command, run_demo,
    archive_command, restore_command, duplicate_command,
)  # fmt: skip
