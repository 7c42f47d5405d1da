"""`python -m core.demo_pack DIR`: make the shipped demo project anew.

The loop of `run-demo`, measured more, then `MORE`, the commands that fill every other page, packed as small as it can
be. Nobody ranks or votes in it but scripts, which are marked as such.
"""

import shlex
import shutil
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from safetensors.numpy import load_file, save_file

from core import cli
from core.cli.output import ProgressLine
from core.config.jobs import JobKind, config_values
from core.config.training import Run
from core.demo import GOLD, POLICY, PPO, REWARD
from core.jobs import queue
from core.jobs.wait import wait
from core.labeling import gold
from core.machine.base_models import models_folder
from core.resources import resource
from core.run_demo import run_demo
from core.store import DATABASE, calibration, open_project, rankings
from core.store.files import snapshots

EVALUATION_PROMPTS = 16
#: Prompts whose rankings by the gold reward itself are the calibration set.
KEYS = 12
#: What pays more for each nat of KL than the run of `run-demo`, to stand beside it.
DEAR_KL = 0.4
#: What fills the other pages, as it is typed. Runs: 2 is the reward model, 3 and 5 the policies.
MORE = f"""
name-run DIR 2 --name "Warm tips"
name-run DIR 3 --name "Cheap KL" --note "Pays {POLICY.kl_coef} for each nat of KL."
name-run DIR 5 --name "Dear KL" --note "Pays {DEAR_KL} for each nat of KL."
measure-frontier DIR --policy-job 3 --answers 8 --completions 2
slide DIR 3 --held-out
arena new DIR "Who is warmer?"
arena add DIR "Who is warmer?" base "Cheap KL=run:3" "Dear KL=run:5" best-of-4:2
arena answer DIR "Who is warmer?" --max-new-tokens {POLICY.max_new_tokens} --temperature {POLICY.temperature}
arena simulate DIR "Who is warmer?" --gold warmth --noise 0.2 --votes 40
arena simulate DIR "Who is warmer?" --gold warmth --noise 0.3 --votes 40
judge DIR --arena "Who is warmer?" --by gold:warmth
judge DIR --arena "Who is warmer?" --by reward:2
simulate DIR --gold warmth --personality careful
simulate DIR --gold warmth --personality hasty --share 0.6
"""
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


def fill(folder: Path) -> None:
    """The loop, measured more than `run-demo` does, a second run, then `MORE`. Raises `RuntimeError` where a command
    of that fails.
    """
    policy = replace(POLICY, eval_prompts=EVALUATION_PROMPTS, keep_checkpoints=0)
    run_demo(folder, progress=ProgressLine(), reward=replace(REWARD, curve=True), policy=policy)
    with closing(open_project(folder)) as project:
        dear = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(replace(policy, kl_coef=DEAR_KL), PPO))
        wait(project, dear.id, ProgressLine())
        author = gold.scripted_labeler(project, GOLD)
        for group_id in sorted(rankings.groups_of(project, author.id))[:KEYS]:
            calibration.add(project, rankings.newest_of(project, group_id, author.id))
    for line in filter(None, MORE.splitlines()):
        if cli.run([str(folder) if word == "DIR" else word for word in shlex.split(line)]):
            raise RuntimeError(f"This failed: {line}")


def main() -> int:
    folder = Path(sys.argv[1])
    fill(folder)
    pack(folder, resource("demo"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
