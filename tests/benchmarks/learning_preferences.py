"""Task `preferences` of `learning`: a policy is tuned against a reward model of human preferences; another one judges.

The dialogues of `--data` (HH, gzipped JSON lines) are dealt out in two halves, no conversation in both, and of each
half a fifth is held out. From one half the reward model learns that is optimised, the proxy; the policy is asked that
half's conversations. The judge learns from the other half and is asked of every answer afterwards: where the proxy's
score rises and the judge's does not, the proxy is over-optimised (Gao et al. 2022, arXiv 2210.10760, whose gold reward
model the judge stands for; but it is no better than the proxy, so that what both have wrong is not seen).

All is done by the commands, as a person would: new, import, train-reward, train-policy, generate and score-file.
"""

import argparse
import gzip
import json
import random
import shutil
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.chain import plumbline
from tests.benchmarks.learning_runs import BATCH, fluency, overrides, some
from tests.benchmarks.learning_table import BEST_OF, Run, best_of
from tests.benchmarks.machine import mean

PROXY, JUDGE = "proxy", "judge"
#: Cheaper nats and more steps than the other tasks have: to see whether more of the reward becomes too much.
SETTINGS: dict[str, Any] = {"steps": 60, "kl_coef": 0.02}
HELDOUT, SHARE = 32, 0.2
ANSWER = "\n\nAssistant:"
Rows = list[dict[str, Any]]


def reward_models(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make the two projects in `folder` with a reward model each; what came of them. What an interrupted run left there
    is made anew."""
    if not options.data:
        raise SystemExit("The task `preferences` needs --data: a file of HH dialogues (gzipped JSON lines).")
    found: dict[str, Any] = {}
    for name, half in zip((PROXY, JUDGE), halves(options.data, options.limit), strict=True):
        project = folder / name
        shutil.rmtree(project, ignore_errors=True)
        project.parent.mkdir(parents=True, exist_ok=True)
        plumbline("new", project, "--model", options.model)
        for split, lines in half.items():
            file = folder / f"{name}-{split}.jsonl"
            file.write_text("".join(lines), encoding="utf-8")
            plumbline("import", project, file, "--split", split)
        result = plumbline("train-reward", project)
        found[name] = {key: result[key] for key in ("job", "pairs", "heldout_pairs", "accuracy", "eval_loss")}
    return found


def halves(path: Path, limit: int = 0) -> list[dict[str, list[str]]]:
    """The file's lines by half and split; at most `limit` conversations of each half, 0 for all."""
    conversations: dict[str, list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            conversations.setdefault(json.loads(line)["chosen"].rsplit(ANSWER, 1)[0], []).append(line)
    order = sorted(conversations)
    random.Random(0).shuffle(order)
    found = []
    for start in (0, 1):
        half = order[start::2][: limit or None]
        held = round(len(half) * SHARE)
        splits = {"train": half[held:], "heldout": half[:held]}
        found.append({split: [line for each in part for line in conversations[each]] for split, part in splits.items()})
    return found


def one(options: argparse.Namespace, name: str, seed: int, folder: Path) -> Run:
    """A run against the proxy in its project; all of its answers are then shown to the judge."""
    from core.store.runs import job_metrics, job_samples

    chosen = {"algorithm": name, "seed": seed, "max_new_tokens": options.tokens, "batch_size": BATCH} | SETTINGS
    chosen |= {"eval_prompts": HELDOUT, "reference_answers": False} | overrides(options)
    job = plumbline("train-policy", folder / PROXY, *flags(chosen))["job"]
    with opened(folder / PROXY) as project:
        series = job_metrics.series(project, job)
        rows = job_samples.listed(project, job)
        asked = conversations(project)
    rows, unjudged = judged(rows, asked, folder / JUDGE)
    before, after = ([row for row in rows if row["policy"] == policy] for policy in ("reference", "tuned"))
    learning: dict[int, list[float]] = {}
    for row in rows:
        if row["policy"] not in ("reference", "tuned"):
            learning.setdefault(row["step"], []).append(row["gold"])
    series["objective/gold"] = [(step, mean(values)) for step, values in sorted(learning.items())]
    return {
        "seed": seed, "before": before, "after": after, "gold": True, "unjudged": unjudged, "series": series,
        "fluency": [fluency(options, part, asked) for part in (before, after)],
        "seconds": sum(value for _, value in series["time/step"]), "cpu_seconds": None,
    }  # fmt: skip


def best_of_n(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, Run]:
    """Best-of-n of the reference by the proxy's score, as in the task `sentiment`; n answers are drawn once."""
    from core.store import completions

    most = BEST_OF[-1]
    drawn = {"split": "heldout", "limit": HELDOUT, "completions": most, "max_new_tokens": options.tokens, "seed": seed}
    job = plumbline("generate", folder / PROXY, *flags(drawn | {"missing_only": False}))["job"]
    with opened(folder / PROXY) as project:
        groups = [completions.group(project, number) for number in completions.groups_of_job(project, job)]
        asked = conversations(project)
    rows = [
        {"prompt_id": group.prompt.id, "prompt": group.prompt.text, "completion": each.text, "tokens": each.tokens}
        for group in groups
        for each in group.completions
    ]
    rows, lost = scored(folder / PROXY, rows, asked, "score")
    rows, unjudged = judged(rows, asked, folder / JUDGE)
    found: dict[str, Run] = {}
    for n in BEST_OF:
        best = best_of(rows, n)
        found[f"best-of-{n}"] = {
            "seed": seed, "before": rows, "after": best, "gold": True, "unjudged": lost + unjudged, "series": {},
            "fluency": [fluency(options, some(part), asked) for part in (rows, best)], "seconds": None,
            "cpu_seconds": None,
        }  # fmt: skip
    return found


def judged(rows: Rows, asked: Mapping[int, Any], judge: Path) -> tuple[Rows, int]:
    """With what the judge says of each as its `gold`; and how many it says nothing of."""
    return scored(judge, rows, asked, "gold")


def scored(project: Path, rows: Rows, asked: Mapping[int, Any], field: str) -> tuple[Rows, int]:
    """With what the newest reward model of a project says of each, in standard deviations of the reference's, by
    `score-file`. What that refuses (an empty answer, one that is too long) is left out; how many is told, too."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "answers.jsonl", Path(folder) / "scores.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for row in rows:
                messages = [message.data() for message in asked[row["prompt_id"]].messages]
                file.write(json.dumps({"prompt": messages, "completion": row["completion"]}) + "\n")
        plumbline("score-file", project, "--path", source, "--out", target)
        left = deque(json.loads(line) for line in target.read_text(encoding="utf-8").splitlines())
    kept = []
    for row in rows:  # in their order, those that were refused are not among them
        if left and left[0]["completion"] == row["completion"]:
            score = left.popleft()["score"]
            kept += [row | {field: score}] if score is not None else []
    if left:
        raise SystemExit(f"{project} scored other answers than it was given.")
    return kept, len(rows) - len(kept)


def conversations(project: Any) -> dict[int, Any]:
    from core.store import prompts

    return {prompt.id: prompt.conversation for prompt in prompts.listed(project)}


def opened(folder: Path) -> Any:
    from contextlib import closing

    from core.store import open_project

    return closing(open_project(folder))


def flags(values: Mapping[str, Any]) -> Sequence[object]:
    """Settings as a command's options."""
    found: list[object] = []
    for name, value in values.items():
        word = name.replace("_", "-")
        found += [f"--{word}" if value else f"--no-{word}"] if isinstance(value, bool) else [f"--{word}", value]
    return found
