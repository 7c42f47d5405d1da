"""`python -m core.demo_pack DIR`: make the shipped demo project anew.

The loop of `run-demo`, longer and measured more, then `MORE`, the commands that fill every other page, packed as small
as it can be. Nobody ranks or votes in it but scripts, which are marked as such.
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
from core.config.training import Run, TrainRewardJob
from core.demo import GENERATE, GOLD, POLICY, REWARD
from core.jobs import queue
from core.jobs.checkpoint_files import SEAL
from core.labeling import gold
from core.machine.base_models import models_folder
from core.resources import resource
from core.run_demo import prepare, run_demo, step
from core.runs import wishes
from core.store import DATABASE, calibration, open_project, rankings
from core.store.files import snapshots
from core.trust import gate

EVALUATION_PROMPTS = 12
#: More than somebody who looks on waits for.
EPOCHS, STEPS = 2, 12
#: Prompts whose rankings by the gold reward itself are the calibration set.
KEYS = 12
#: What a run has as that of `run-demo` has it, so that one can be measured as the other.
LIKE = f"--lora-rank 4 --lora-alpha 8 --lora-targets attention --gold {GOLD} --temperature {POLICY.temperature} \
--max-new-tokens {POLICY.max_new_tokens} --keep-checkpoints 0 --checkpoint-every 3"
#: What fills the other pages, as it is typed. Runs: 2 is the reward model, 3 the
#: policy that is shown first, and 5 one that goes again once its answers are in the arena.
MORE = f"""
name-run DIR 2 --name "Warm tips"
name-run DIR 3 --name "Tuned by PPO"
train-policy DIR --algorithm dpo --steps 6 --learning-rate 2e-3 --eval-prompts 0 {LIKE}
measure-frontier DIR --policy-job 3 --answers 4 --completions 1
slide DIR 3 --held-out --limit 6
arena new DIR "Who is warmer?"
arena add DIR "Who is warmer?" base PPO=run:3 DPO=run:5 best-of-4:2
arena answer DIR "Who is warmer?" --max-new-tokens {POLICY.max_new_tokens} --temperature {POLICY.temperature}
arena simulate DIR "Who is warmer?" --gold {GOLD} --noise 0.2 --votes 40
arena simulate DIR "Who is warmer?" --gold {GOLD} --noise 0.3 --votes 40
judge DIR --arena "Who is warmer?" --by gold:{GOLD}
judge DIR --arena "Who is warmer?" --by reward:2
simulate DIR --gold {GOLD} --personality careful
simulate DIR --gold {GOLD} --personality hasty --share 0.6
remove-run DIR 5
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
            if path.name in (*ABOUT, *WEIGHTS):
                _save(path, kept)
    snapshots.reduce_to_demo(target / DATABASE)


def _save(path: Path, kept: Path) -> None:
    """Adapters shrink to float16; heads are small and stay as they are. The base lies in another folder on every
    machine."""
    if path.name in ABOUT:
        kept.write_text(path.read_text("utf-8").replace(f"{models_folder()}/", ""), encoding="utf-8")
        return
    tensors = {
        name: tensor.astype("float16") if "lora_" in name else tensor for name, tensor in load_file(path).items()
    }
    save_file(tensors, kept)


def fill(folder: Path) -> None:
    """The loop, measured more than `run-demo` does, a second run, then `MORE`. Raises `RuntimeError` where a command
    of that fails.
    """
    _learn_reward(folder)
    policy = replace(POLICY, steps=STEPS, eval_prompts=EVALUATION_PROMPTS, checkpoint_every=4)
    run_demo(folder, progress=ProgressLine(), policy=policy)
    with closing(open_project(folder)) as project:
        author = gold.scripted_labeler(project, GOLD)
        for group_id in sorted(rankings.groups_of(project, author.id))[:KEYS]:
            calibration.add(project, rankings.newest_of(project, group_id, author.id))
    for line in filter(None, MORE.splitlines()):
        if cli.run([str(folder) if word == "DIR" else word for word in shlex.split(line)]):
            raise RuntimeError(f"This failed: {line}")


def _learn_reward(folder: Path) -> None:
    """The first half of `run_demo`, with a learning curve. The reward model is as small as it is shipped before
    anything is measured by it: a frontier is of the very weights that measured it.
    """
    there = (folder / DATABASE).is_file()
    with closing(open_project(folder) if there else prepare(folder)) as project:
        gate.choose(project, wishes.of_gold(GOLD))
        step(project, JobKind.GENERATE, config_values(GENERATE), ProgressLine())
        gold.rank_all(project, GOLD)
        learnt = step(
            project, JobKind.TRAIN_REWARD, config_values(replace(REWARD, epochs=EPOCHS, curve=True)), ProgressLine()
        )
        assert isinstance(learnt, TrainRewardJob)
        adapter = folder / learnt.result.adapter
        (adapter / SEAL).unlink(missing_ok=True)
        for path in (path for name in (*ABOUT, WEIGHTS[0]) for path in adapter.rglob(name)):
            _save(path, path)


def main() -> int:
    folder = Path(sys.argv[1])
    fill(folder)
    pack(folder, resource("demo"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
