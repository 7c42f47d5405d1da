"""On which rankings the figures on a reward model rest: a report follows today's, a run's own accuracy does not."""

from collections.abc import Callable
from dataclasses import dataclass

from core.config.training import TrainRewardJob
from core.report.scores import Compared
from core.runs import learnt_rankings
from core.runs.rounds import began
from core.store import Project, counting, labelers


def in_utc(moment: str) -> str:
    """`2026-11-24 14:03 UTC`."""
    return f"{moment[:16].replace('T', ' ')} UTC"


@dataclass(frozen=True)
class Basis:
    """`measured` rankings give the pairs of a report, the `newest` of them at that time; `newer` of them came after the
    run `began`. It learnt from `learnt` of those that there were by then, None where nobody kept that; `since` came
    later and count. `own` is the accuracy that the run itself said, of `own_pairs` pairs. Times are UTC, ISO 8601."""

    measured: int = 0
    newest: str = ""
    newer: int = 0
    began: str = ""
    own: float | None = None
    own_pairs: int = 0
    learnt: int | None = None
    since: int = 0

    def sentences(self, when: Callable[[str], str] = in_utc) -> list[str]:
        """`when` says a time in words."""
        found = []
        if self.measured:
            newer = f"; {self.newer:,} of them came after the run began" if self.newer else ""
            of = "1 ranking as it counts" if self.measured == 1 else f"{self.measured:,} rankings as they count"
            found.append(f"These figures rest on {of} now, the newest of {when(self.newest)}{newer}.")
        if self.own is not None:
            found.append(
                f"The accuracy of {self.own:.2f} beside the run's name rests on {self.own_pairs:,} pairs, as they were "
                f"ranked when it began, {when(self.began)}."
            )
        learnt = "" if self.learnt is None else f"It learnt from {self.learnt:,} rankings of then."
        came = "No ranking has come since."
        if self.since:
            came = f"{self.since:,} {'ranking has' if self.since == 1 else 'rankings have'} come since: train again to"
            came += " take them in."
        return [*found, " ".join(filter(None, (learnt, came)))]


def basis(project: Project, job: TrainRewardJob, found: Compared) -> Basis:
    """Of a report that measures `found`."""
    whose, then = labelers.ids_of(project, job.config.rankings_of), began(job)
    made = {each.id: each for each in counting.made(project) if each.labeler_id in whose}
    known = learnt_rankings.of_run(project, job.id)
    if known is None:
        since = {each.id for each in made.values() if each.created_at > then}
    else:  # by their numbers: what was merged later may have been made before
        newest = (known.learnt.bits | known.tested.bits).bit_length() - 1
        since = {number for number in made if number > newest}
    measured = set(found.ranking_ids.tolist()) & made.keys()
    return Basis(
        len(measured), max((made[each].created_at for each in measured), default=""), len(measured & since), then,
        job.result.accuracy, job.result.heldout_pairs, None if known is None else len(known.learnt), len(since),
    )  # fmt: skip
