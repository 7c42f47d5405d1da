"""One prompt at each step of a run of the policy: what the run itself keeps of it, or what a job `slide` wrote.

A job has answered from the same chances at each checkpoint that was kept. A run keeps its rollouts, in which a prompt
comes up now and then, and its answers to held-out prompts before the first step and after the last.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config.slider import SlideJob
from core.config.training import TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.preferences.differences import differences
from core.store import Project
from core.store.files import plain
from core.store.files.inside import own_file
from core.store.runs import checkpoints, job_samples

#: The file of a job's checkpoint that holds its `TokenTrace`s, as a list of objects.
TOKENS = "tokens.json"
#: Tokens of which numbers are kept, in all answers of a job together; bytes of the file.
MOST_TOKENS, MOST_BYTES = 200_000, 64_000_000
#: No number of a token is larger.
LARGEST = 1e12


@dataclass(frozen=True)
class TokenTrace:
    """An answer's n tokens as text, with the numbers of each: KL to the reference in nats, and where they are known
    V(s_t) and A_t, in units of the reward."""

    step: int
    prompt: str
    pieces: tuple[str, ...]
    kl: tuple[float, ...]
    value: tuple[float, ...] | None = None
    advantage: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Series:
    """A prompt with answers at several steps; `job_id` is the job that wrote them, the run itself or a `slide`."""

    prompt: str
    prompt_id: int | None
    job_id: int
    steps: int


@dataclass(frozen=True)
class Slide:
    """An answer at a step; `fresh` are the parts of its text, as (start, end) in characters, that the one before has
    not. It is the `last` where it was written after the last step."""

    step: int
    text: str
    score: float | None
    gold: float | None
    kl: float | None
    tokens: int
    fresh: tuple[tuple[int, int], ...] = ()
    trace: TokenTrace | None = None
    last: bool = False

    @property
    def when(self) -> str:
        """`Step 10`, or what stands for it before the first and after the last."""
        if self.step == 0:
            return "Before step 1"
        return f"After step {self.step - 1}" if self.last else f"Step {self.step}"


def series_of(project: Project, run: TrainPolicyJob) -> list[Series]:
    """The prompts that can be looked at step by step, each once: first those that a job wrote, the newest job first."""
    found: dict[str, Series] = {}
    jobs = [job for job in queue.listed(project, SlideJob) if run.id in (job.config.policy_job, job.result.policy_job)]
    for number in [*(job.id for job in jobs), run.id]:
        for row in job_samples.by_prompt(project, number):
            if row["steps"] > 1 or number != run.id:
                found.setdefault(row["prompt"], Series(row["prompt"], row["prompt_id"], number, row["steps"]))
    return list(found.values())


def slides_of(project: Project, run: TrainPolicyJob, series: Series) -> list[Slide]:
    """Its answers, by steps."""
    traces = {trace.step: trace for trace in _traces(project, run, series) if trace.prompt == series.prompt}
    found: list[Slide] = []
    for row in job_samples.at_each_step(project, series.job_id, series.prompt):
        text, at, trace = row["completion"], int(row["at"]), traces.get(int(row["at"]))
        fresh = tuple(differences(found[-1].text, text)) if found else ()
        found.append(
            Slide(
                at, text, _number(row["score"]), _number(row["gold"]), _number(row["kl"]), int(row["tokens"]), fresh,
                trace, row["policy"] == "tuned",
            )
        )  # fmt: skip
    return found


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _traces(project: Project, run: TrainPolicyJob, series: Series) -> list[TokenTrace]:
    if series.job_id == run.id:
        return []
    with suppress(BadInput, OSError):
        for _, folder in checkpoints.on_disk(project, series.job_id):
            return read_tokens(folder)
    return []


def read_tokens(folder: Path) -> list[TokenTrace]:
    """What a job's checkpoint says of tokens. Raises `BadInput` for what is damaged: it may have been made anywhere."""
    path = own_file(folder.parent, folder.name, TOKENS)
    found = plain.parsed(path, MOST_BYTES)
    traces = [_trace(each) for each in found] if isinstance(found, list) else [None]
    if None in traces:
        raise BadInput(f"{path} is damaged: let the answers be written again.")
    return [trace for trace in traces if trace is not None]


def _trace(found: Any) -> TokenTrace | None:
    """One answer's, None for what is none."""
    if not isinstance(found, dict):
        return None
    step, prompt, pieces = found.get("step"), found.get("prompt"), found.get("pieces")
    if type(step) is not int or not isinstance(prompt, str) or not isinstance(pieces, list):
        return None
    numbers = [found.get(name) for name in ("kl", "value", "advantage")]
    if not all(isinstance(piece, str) for piece in pieces) or numbers[0] is None:
        return None
    if not all(values is None or _are_numbers(values, len(pieces)) for values in numbers):
        return None
    kl, value, advantage = (None if values is None else tuple(map(float, values)) for values in numbers)
    return TokenTrace(step, prompt, tuple(pieces), kl or (), value, advantage)


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(type(each) in (int, float) and -LARGEST <= each <= LARGEST for each in values)
    )


def marked(text: str, fresh: Sequence[tuple[int, int]], before: str = "{+", after: str = "+}") -> str:
    """The text with marks around its `fresh` parts, as `git diff --word-diff` has them."""
    for start, end in sorted(fresh, reverse=True):
        text = f"{text[:start]}{before}{text[start:end]}{after}{text[end:]}"
    return text
