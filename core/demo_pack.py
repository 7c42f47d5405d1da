"""`python -m core.demo_pack DIR`: make the shipped demo project anew (about seven minutes on two cores).

A longer run than `run-demo`'s, with the policy measured before and after, packed as small as it can be.
"""

import shutil
import sys
from pathlib import Path

from safetensors.numpy import load_file, save_file

from core.cli.output import ProgressLine
from core.config.training import Run
from core.jobs import queue
from core.machine.base_models import models_folder
from core.resources import resource
from core.run_demo import run_demo
from core.store import DATABASE, open_project
from core.store.files import snapshots

STEPS, EVALUATION_PROMPTS = 20, 16
WEIGHTS = ("adapter_model.safetensors", "value.safetensors")
ABOUT = ("adapter_config.json", "reward.json", "README.md")


def pack(source: Path, target: Path) -> None:
    """Write a finished project as small as it can be shipped: its database, and the newest adapter of each
    run as float16, without optimizer state. Replaces `target`.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    project = open_project(source)
    snapshots.write(project, target / DATABASE)
    adapters = [run.result.adapter for run in queue.listed(project, Run) if run.result.adapter]
    project.close()
    for adapter in adapters:
        for path in (source / adapter).rglob("*.*"):
            kept = target / adapter / path.relative_to(source / adapter)
            kept.parent.mkdir(parents=True, exist_ok=True)
            if path.name in ABOUT:
                # The base lies in another folder on every machine.
                kept.write_text(path.read_text("utf-8").replace(f"{models_folder()}/", ""), encoding="utf-8")
            elif path.name in WEIGHTS:
                _save(path, kept)
    snapshots.reduce_to_demo(target / DATABASE)


def _save(path: Path, kept: Path) -> None:
    """Adapters shrink to float16; heads are small and stay as they are."""
    tensors = {
        name: tensor.astype("float16") if "lora_" in name else tensor for name, tensor in load_file(path).items()
    }
    save_file(tensors, kept)


def main() -> int:
    folder = Path(sys.argv[1])
    run_demo(folder, progress=ProgressLine(), steps=STEPS, eval_prompts=EVALUATION_PROMPTS)
    pack(folder, resource("demo"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
