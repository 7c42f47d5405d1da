"""The job `score-file`: every completion of a file with its reward, as JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path

from core import data
from core.configs import ScoreFileConfig
from core.data import jsonlines
from core.errors import BadInput, NothingToDo, known
from core.events import Note, Progress, Result
from core.jobs.context import Events, JobContext
from core.report.scores import percentile, reference_rewards
from core.reward.judge import judge_of

STAGE = "Scoring the file"
NAMED = 5


def run(context: JobContext) -> Events:
    """One line for each completion; what was scored before an interruption is not scored again."""
    config: ScoreFileConfig = context.config
    source, target = Path(config.path).expanduser(), Path(config.out).expanduser()
    if not config.path or not config.out:
        raise BadInput("Give the file to score and the file to write.")
    groups, refused = read(source)
    if not groups:
        raise NothingToDo(f"{source.name} holds no completions: give JSON lines with `prompt` and `completion`.")
    if refused:
        yield Note(f"{len(refused)} rows of {source.name} hold no completion and were left out: {_named(refused)}.")
    judge = yield from judge_of(context)
    context.folder.mkdir(parents=True, exist_ok=True)
    partial = context.folder / "scores.jsonl"
    done = _whole_lines(partial)
    too_long: list[int] = []
    try:
        reference = reference_rewards(context.project, judge.job) if judge.job else None
        yield Progress(len(done), len(groups), STAGE)
        with partial.open("a", encoding="utf-8") as file:
            for number, (prompt, completions) in enumerate(groups):
                if number < len(done):
                    continue
                try:
                    found = judge.verdict(prompt, completions)
                    rewards: list[float | None] = list(found.rewards)
                except BadInput:  # longer than the model's context
                    rewards = [None] * len(completions)
                    too_long.append(number + 1)
                rows = [
                    {
                        "completion": text,
                        "score": score,
                        "percentile": None if score is None or reference is None else percentile(reference, score),
                    }
                    for text, score in zip(completions, rewards, strict=True)
                ]
                file.write(json.dumps({"prompt": prompt, "completions": rows}, ensure_ascii=False) + "\n")
                file.flush()
                yield Progress(number + 1, len(groups), STAGE)
                if context.stopping:
                    return
    finally:
        judge.close()
    if too_long:
        yield Note(f"{len(too_long)} prompts have a completion that is too long to score: {_named(too_long)}.")
    count = _write(partial, target)
    yield Result({"out": str(target), "completions": count, "prompts": len(groups), "too_long": len(too_long)})


def read(path: Path) -> tuple[list[tuple[str, list[str]]], list[int]]:
    """Prompts with their completions, and the numbers of the rows that have none.

    JSON lines with `prompt` and `completion` (or `completions`), or any format that preferences can be imported from.
    Raises `BadInput` if the file cannot be read at all.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to score.")
    found: list[tuple[str, list[str]]] = []
    refused: list[int] = []
    for number, (prompt, completions) in enumerate(_rows(path), 1):
        if prompt and completions:
            found.append((prompt, completions))
        else:
            refused.append(number)
    return found, refused


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    with path.open("rb") as file:
        head = file.read(4096).decode("utf-8", errors="replace")
    first = jsonlines.first(head)
    if "completion" in first or "completions" in first:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield _simple(line)
        return
    for row in data.read(path):
        if isinstance(row, data.Refused):
            yield "", []
        else:
            yield row.prompt, [answer.text for answer in row.answers]


def _simple(line: str) -> tuple[str, list[str]]:
    try:
        value = json.loads(line)
        texts = value.get("completions", [value.get("completion")])
        prompt = value["prompt"]
    except (ValueError, KeyError, AttributeError):
        return "", []
    texts = [item.get("completion") if isinstance(item, dict) else item for item in texts]
    if not isinstance(prompt, str) or not all(isinstance(text, str) for text in texts):
        return "", []
    return prompt, texts


def _whole_lines(path: Path) -> list[str]:
    """What an interrupted run left, without a line that was cut off."""
    if not path.is_file():
        return []
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    return whole.decode("utf-8").splitlines()


def _write(partial: Path, target: Path) -> int:
    """One line for each completion, beside and then renamed."""
    beside = target.with_name(f"partial-{target.name}")
    count = 0
    try:
        with beside.open("w", encoding="utf-8") as file:
            for line in partial.read_text(encoding="utf-8").splitlines():
                group = json.loads(line)
                for row in group["completions"]:
                    file.write(json.dumps({"prompt": group["prompt"]} | row, ensure_ascii=False) + "\n")
                    count += 1
        beside.replace(target)
    except OSError as error:
        raise known(error) or BadInput(f"{target} cannot be written: choose another place and resume.") from error
    finally:
        beside.unlink(missing_ok=True)
    partial.unlink()
    return count


def _named(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:NAMED])) + (", …" if len(numbers) > NAMED else "")
