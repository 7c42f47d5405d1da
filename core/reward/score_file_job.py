"""The job `score-file`: every completion of a file with its reward, as JSON lines."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from core import data
from core.config.options import as_stored
from core.config.scoring import ScoreFileConfig, ScoreFileResult
from core.conversation import Conversation
from core.data import answered
from core.data.rows import nothing
from core.errors import BadInput, known
from core.events import Note, Progress, Result
from core.jobs.context import Events, JobContext
from core.report.scores import Floats, percentile, reference_rewards
from core.reward.judge import Judge, judge_of
from core.reward.reward_function import Weights
from core.store.files import beside, plain
from core.trust.wish import place_of

STAGE = "Scoring the file"
NAMED = 5
#: Bytes of what an interrupted run may have left.
MOST_KEPT = 1 << 30


@dataclass(frozen=True)
class Asked:
    """What one row of the file asks: `line` is its number there, `lost` what it has beside that and is not read."""

    line: int
    conversation: Conversation
    completions: list[str]
    lost: tuple[str, ...] = ()


def run(context: JobContext) -> Events:
    """One line for each completion; what was scored before an interruption is not scored again."""
    config: ScoreFileConfig = context.config
    if not config.path or not config.out:
        raise BadInput("Give the file to score and the file to write.")
    source, target = place_of(config.path), place_of(config.out)
    if source.resolve() == target.resolve():
        raise BadInput("The scores would go over the file itself, with all else that it holds: write another file.")
    asked, refused = read(source)
    if not asked:
        said = (
            f"{source.name} holds no completions: give rows with `prompt` and `completion`, or any that import reads."
        )
        raise nothing(said, refused)
    if refused:
        numbers = [row.line for row in refused]
        yield Note(f"{len(refused)} rows of {source.name} hold no completion and were left out: {_named(numbers)}.")
    for what in sorted({what for row in asked for what in row.lost}):
        numbers = [row.line for row in asked if what in row.lost]
        yield Note(f"{len(numbers)} rows of {source.name} are scored without {what}: {_named(numbers)}.")
    context.project.make_run_folder(context.job_id)
    partial = context.project.run_file(context.job_id, "scores.jsonl")
    done, digest = _kept(partial), _digest(source)
    if done and done[0].get("file", digest) != digest:
        raise BadInput(f"{source} is another file than the one that this run began to score: begin a new run.")
    # The newest run may be another one after an interruption: the first line names the one that judges.
    kept = done[0]["reward_job"] if done else config.reward_job
    judge = yield from judge_of(
        context, reward_job=kept or 0, reward_model=config.reward_model, ensemble=config.ensemble,
        begun=as_stored(Weights, done[0].get("weights", {})) if done else None,
    )  # fmt: skip
    try:
        reference = reference_rewards(context.project, judge.job, combine=config.ensemble) if judge.job else None
        weights = asdict(judge.reward.weights)
        begun = {"reward_job": judge.job.id if judge.job else 0, "file": digest, "weights": weights}
        with adding(partial, done or [begun]) as file:
            start = max(0, len(done) - 1)
            yield Progress(start, len(asked), STAGE)
            for number, row in enumerate(asked[start:], start + 1):
                file.write(json.dumps(_scored(judge, row, reference)) + "\n")
                file.flush()
                yield from judge.told(last=number == len(asked))
                yield Progress(number, len(asked), STAGE)
                if context.stopping:
                    return
    finally:
        judge.close()
    rows = _kept(partial)[1:]
    long = [row["line"] for row in rows for item in row["completions"] if item["score"] is None]
    if long:
        yield Note(f"{len(long)} completions are too long to score, in the rows {_named(list(dict.fromkeys(long)))}.")
    count = _write(rows, target)
    partial.unlink()
    yield Result(ScoreFileResult(out=str(target), completions=count, prompts=len(asked), too_long=len(long)))


def adding(path: Path, done: list[dict[str, Any]]) -> TextIO:
    """A new file in place of the one that held what is `done`, which might have a second name; to add to."""
    with beside.of_project(path) as made, made.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in done)
    return path.open("a", encoding="utf-8")


def _scored(judge: Judge, row: Asked, reference: Floats | None) -> dict[str, Any]:
    """The row with a score for each completion, or None where it is longer than the model's context."""
    scores: list[float | None]
    try:
        scores = list(judge.verdict(row.conversation, row.completions).rewards)
    except BadInput:
        scores = []
        for text in row.completions:
            try:
                scores += judge.verdict(row.conversation, [text]).rewards
            except BadInput:
                scores.append(None)
    found = [
        {
            "completion": text,
            "score": score,
            "percentile": None if score is None or reference is None else percentile(reference, score),
        }
        for text, score in zip(row.completions, scores, strict=True)
    ]
    return {"line": row.line, "prompt": row.conversation.text, "completions": found}


def read(path: Path) -> tuple[list[Asked], list[data.Refused]]:
    """Prompts with their completions, and the rows that have none.

    Any format that preferences can be imported from, and rows with a `prompt` and one `completion`, or several.
    Raises `BadInput` if the file cannot be read at all.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file: choose a file to score.")
    found: list[Asked] = []
    refused: list[data.Refused] = []
    for row in answered.read(path):
        if isinstance(row, data.Refused):
            refused.append(row)
        elif row.answers:
            found.append(Asked(row.line, row.conversation, [answer.text for answer in row.answers], row.lost))
        else:
            refused.append(data.Refused(row.line, "it has no completion"))
    return found, refused


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(path: Path) -> list[dict[str, Any]]:
    """What an interrupted run left, without a line that was cut off. Raises `BadInput` for what no run wrote."""
    if not path.is_file():
        return []
    text = plain.content(path, MOST_KEPT)
    whole = text[: text.rfind(b"\n") + 1]
    try:
        found: list[dict[str, Any]] = [json.loads(line) for line in whole.split(b"\n")[:-1]]
        if found:
            found[0]["reward_job"]
            as_stored(Weights, found[0].get("weights", {}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"{path} is damaged: delete it, then resume.") from error
    return found


def _write(rows: list[dict[str, Any]], target: Path) -> int:
    """One line for each completion, beside and then renamed."""
    lines = [{"prompt": row["prompt"]} | item for row in rows for item in row["completions"]]
    try:
        with beside.file(target) as made, made.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise known(error) or BadInput(f"{target} cannot be written: choose another place and resume.") from error
    return len(lines)


def _named(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:NAMED])) + (", …" if len(numbers) > NAMED else "")
