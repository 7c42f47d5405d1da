"""What a reward model's run said of completions, read from the project as arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.training import TrainRewardJob
from core.preferences.pairs import OVERALL
from core.records import ACTIVE
from core.report.calibration import sigmoid
from core.store import Project

Floats = NDArray[np.float64]
FIRST = "reward"
#: Beyond this a probability is 1 for all that can be told.
SURE = 30.0


@dataclass(frozen=True)
class Compared:
    """P held-out pairs of one criterion; all arrays are (P,) and scores are in the reference's standard deviations.

    `difference` is log-odds that the chosen one wins: the raw difference of scores, or for an ensemble that of the mean
    probability. `spread` is the members' standard deviation of that probability, 0 for a single model.
    """

    ranking_ids: NDArray[np.int64]
    prompt_ids: NDArray[np.int64]
    chosen_ids: NDArray[np.int64]
    rejected_ids: NDArray[np.int64]
    labeler_ids: NDArray[np.int64]
    gaps: NDArray[np.int64]
    difference: Floats
    spread: Floats
    chosen: Floats
    rejected: Floats
    chosen_tokens: Floats
    rejected_tokens: Floats

    def __len__(self) -> int:
        return len(self.prompt_ids)

    def only(self, mask: NDArray[np.bool_]) -> "Compared":
        return Compared(**{name: getattr(self, name)[mask] for name in self.__dataclass_fields__})


def members(job: TrainRewardJob) -> tuple[str, ...]:
    """The run's models that count: one, or an ensemble."""
    return job.result.members or (FIRST,)


def scale(job: TrainRewardJob, model: str, criterion: str = OVERALL) -> tuple[float, float]:
    """Mean and standard deviation of a model's raw scores over the reference's completions; (0, 1) while it trains."""
    found, columns = job.result.scale.get(model), job.result.columns or (OVERALL,)
    if found is None or criterion not in columns:
        return 0.0, 1.0
    place = columns.index(criterion)
    return float(found.mean[place]), max(float(found.std[place]), 1e-6)


def compared(
    project: Project, job: TrainRewardJob, *, models: tuple[str, ...] = (), criterion: str = OVERALL
) -> Compared:
    """The held-out pairs of a run, as they are ranked today, with what its models (all members) say of them."""
    chosen_models = models or members(job)
    raw: dict[str, dict[int, float]] = {name: {} for name in chosen_models}
    tokens: dict[int, int] = {}
    for row in project.db.conn.execute(
        "select model, completion_id, score, tokens from scores where job_id = ? and part = 'heldout'"
        " and criterion = ?",
        (job.id, criterion),
    ):
        if row[0] in raw:
            raw[row[0]][row[1]] = row[2]
            tokens[row[1]] = row[3]
    view, condition = ("pairs", "1") if criterion == OVERALL else ("criterion_pairs", "criterion = ?")
    rows = [
        row
        for row in project.db.conn.execute(
            f"select ranking_id, prompt_id, chosen_id, rejected_id, labeler_id, gap from {view} where {condition}"
            " and group_id in (select c.group_id from completions c where c.id in ("
            "  select completion_id from scores where job_id = ? and part = 'heldout'))"
            " order by ranking_id, chosen_id, rejected_id",
            (job.id,) if criterion == OVERALL else (criterion, job.id),
        )
        if all(row[2] in found and row[3] in found for found in raw.values())
    ]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 6)
    sides = [
        np.array([[found[row[side]] for row in rows] for found in raw.values()]).reshape(len(raw), len(rows))
        for side in (2, 3)
    ]
    probability = sigmoid(sides[0] - sides[1])  # (M, P)
    mean = probability.mean(0)
    with np.errstate(divide="ignore"):
        difference = np.clip(np.log(mean) - np.log1p(-mean), -SURE, SURE) if len(raw) > 1 else sides[0][0] - sides[1][0]
    scales = np.array([scale(job, name, criterion) for name in raw])
    normal = [((side - scales[:, :1]) / scales[:, 1:]).mean(0) for side in sides]
    counts = [np.array([tokens[row[side]] for row in rows], dtype=float) for side in (2, 3)]
    return Compared(
        table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 5],
        difference, probability.std(0), normal[0], normal[1], counts[0], counts[1],
    )  # fmt: skip


def reference_rewards(project: Project, job: TrainRewardJob, *, combine: str = "mean") -> Floats:
    """Rewards of the reference's own completions, sorted: what a percentile is read from."""
    names = members(job)
    by_completion: dict[int, dict[str, float]] = {}
    for row in project.db.conn.execute(
        "select model, completion_id, score from scores where job_id = ? and part = 'reference' and criterion = ?",
        (job.id, OVERALL),
    ):
        by_completion.setdefault(row[1], {})[row[0]] = row[2]
    whole = [found for found in by_completion.values() if set(names) <= set(found)]
    raw = np.array([[found[name] for found in whole] for name in names]).reshape(len(names), len(whole))
    scales = np.array([scale(job, name) for name in names])
    normal = (raw - scales[:, :1]) / scales[:, 1:]
    if len(names) == 1 or not len(whole):
        return np.sort(normal[0])
    together = normal.mean(0)
    if combine == "worst":
        together = normal.min(0)
    elif combine == "mean-minus-variance":
        together = together - normal.var(0)
    return np.sort((together - together.mean()) / max(float(together.std()), 1e-6))


def percentile(reference: Floats, score: float) -> float | None:
    """Share of the reference's completions with a lower score; equal ones count half. None without a reference."""
    if not len(reference):
        return None
    below = float(np.searchsorted(reference, score, side="left"))
    upto = float(np.searchsorted(reference, score, side="right"))
    return (below + upto) / 2 / len(reference)


def sides(project: Project, job: TrainRewardJob) -> tuple[Floats, Floats]:
    """Scores of the chosen and of the rejected completions of the held-out pairs, as far as they are known now."""
    found = compared(project, job, models=(FIRST,))
    return found.chosen, found.rejected


def awaited(project: Project, job: TrainRewardJob) -> bool:
    """Will a run that waits or trains score held-out completions? It draws prompts itself where none is marked."""
    ranked, marked = project.rows(
        "select count(distinct prompt_id) as ranked, coalesce(max(prompt_id in"
        " (select id from prompts where split = 'heldout')), 0) as marked from pairs"
    )[0].values()
    return job.status in ACTIVE and (bool(marked) or round(ranked * job.config.heldout_fraction) > 0)


def trained_pairs(project: Project, job: TrainRewardJob, limit: int = 100_000) -> list[dict[str, Any]]:
    """Lengths in characters of the pairs that are not held out."""
    return project.rows(
        "select length(c.text) as chosen, length(d.text) as rejected from pairs p"
        " join completions c on c.id = p.chosen_id join completions d on d.id = p.rejected_id"
        " where p.prompt_id not in (select g.prompt_id from scores s join completions k on k.id = s.completion_id"
        "  join completion_groups g on g.id = k.group_id where s.job_id = ? and s.part = 'heldout') limit ?",
        job.id,
        limit,
    )
