"""What a reward model's run said of completions, read from the project as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config.training import TrainRewardJob
from core.preferences.judged_groups import OVERALL
from core.records import ACTIVE
from core.report.calibration import sigmoid
from core.store import Project, labelers, pairs
from core.store.runs import scores

Floats = NDArray[np.float64]
FIRST = "reward"
#: Beyond this a probability is 1 for all that can be told.
SURE = 30.0
WHILE_IT_TRAINS = (
    "while a run trains it looks at no more than a third as many as it learns from, and at all of them when it ends."
)


@dataclass(frozen=True)
class Compared:
    """P held-out pairs of one criterion; all arrays are (P,) and scores are in the reference's standard deviations.

    `difference` is log-odds that the chosen one wins: the raw difference of scores, or for an ensemble that of the mean
    probability. `spread` is the members' standard deviation of that probability, 0 for a single model. `longer` is how
    many characters the chosen one is longer, as labelers see it.
    """

    ranking_ids: NDArray[np.int64]
    prompt_ids: NDArray[np.int64]
    chosen_ids: NDArray[np.int64]
    rejected_ids: NDArray[np.int64]
    labeler_ids: NDArray[np.int64]
    gaps: NDArray[np.int64]
    longer: NDArray[np.int64]
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
    for said in scores.of_run(project, job.id, "heldout", criterion):
        if said.model in raw:
            raw[said.model][said.completion_id] = said.score
            tokens[said.completion_id] = said.tokens
    whose = labelers.ids_of(project, job.config.rankings_of)
    rows = [
        pair
        for pair in pairs.held_out(project, job.id, "" if criterion == OVERALL else criterion)
        if pair.labeler_id in whose
        and all(pair.chosen_id in found and pair.rejected_id in found for found in raw.values())
    ]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 7)
    ids = [pair.chosen_id for pair in rows], [pair.rejected_id for pair in rows]
    sides = [
        np.array([[found[each] for each in side] for found in raw.values()]).reshape(len(raw), len(rows))
        for side in ids
    ]
    probability = sigmoid(sides[0] - sides[1])  # (M, P)
    mean = probability.mean(0)
    with np.errstate(divide="ignore"):
        difference = np.clip(np.log(mean) - np.log1p(-mean), -SURE, SURE) if len(raw) > 1 else sides[0][0] - sides[1][0]
    scales = np.array([scale(job, name, criterion) for name in raw])
    normal = [((side - scales[:, :1]) / scales[:, 1:]).mean(0) for side in sides]
    counts = [np.array([tokens[each] for each in side], dtype=float) for side in ids]
    return Compared(
        table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 5],
        table[:, 6],
        difference, probability.std(0), normal[0], normal[1], counts[0], counts[1],
    )  # fmt: skip


def reference_rewards(project: Project, job: TrainRewardJob, *, combine: str = "mean") -> Floats:
    """Rewards of the reference's own completions, sorted: what a percentile is read from."""
    names = members(job)
    by_completion: dict[int, dict[str, float]] = {}
    for said in scores.of_run(project, job.id, "reference", OVERALL):
        by_completion.setdefault(said.completion_id, {})[said.model] = said.score
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


def missing(project: Project, job: TrainRewardJob, measured: int) -> str:
    """Which held-out prompts a report on `measured` of them lacks, and why; empty where it lacks none."""
    result = job.result
    if result.accuracy is None:
        held = _held_out(project, job)
        said = f"{held - measured:,} of {held:,} held-out prompts are missing: {WHILE_IT_TRAINS}"
        return said if measured < held else ""
    gone, long = result.heldout_prompts - measured, result.heldout_too_long
    reasons = {
        f"{gone:,} held-out prompts are missing: their rankings give no pair any more.": gone > 0,
        f"{long:,} held-out prompts are missing: no pair of them fits into {job.config.max_length:,} tokens.": long > 0,
    }
    return " ".join(reason for reason, there in reasons.items() if there)


def awaited(project: Project, job: TrainRewardJob) -> bool:
    """Will a run that waits or trains score held-out completions? It draws prompts itself where none is marked."""
    return job.status in ACTIVE and _held_out(project, job) > 0


def _held_out(project: Project, job: TrainRewardJob) -> int:
    """How many prompts a run holds out, as it is ranked now."""
    found = pairs.prompts(project)
    return found.held_out or round(found.ranked * job.config.heldout_fraction)
