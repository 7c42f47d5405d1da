"""The chain of `core.runs.trail` as pages of lines, some of which lead to other pages: the terminal prints them, the
window walks them. What somebody else wrote is a `quote`, or one line within ours."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from core.config.metrics import METRICS
from core.config.training import ALGORITHMS, Run, TrainPolicyJob, TrainRewardJob
from core.errors import BadInput
from core.jobs import queue
from core.records import MARKS, Job
from core.runs import environments, learnt_rankings, trail
from core.store import Project, guidelines, prompts, rankings
from core.store import trail as stored
from core.store.trail import RankingBehind, SampleBehind
from core.texts import one_line

Kind = Literal["step", "sample", "run", "learnt", "rankings", "ranking", "prompt", "guidelines"]
#: Letters of a prompt or an answer in a line, of a name, and rankings on a page.
LINE, NAME, MANY = 110, 60, 50


@dataclass(frozen=True)
class Place:
    """A page: of a step or sample of run `number`, of a run, of what it learnt from (all of it, or what one labeler
    ranked under one version, from the ranking `after`), of a ranking, a prompt or a version of the guidelines."""

    kind: Kind
    number: int
    step: int = 0
    sample: int = 0
    labeler: int = 0
    version: int = 0
    after: int = 0


@dataclass(frozen=True)
class Line:
    """`to` is where it leads, if anywhere; a `way` says nothing else."""

    text: str
    kind: Literal["text", "heading", "quote", "warning", "way"] = "text"
    to: Place | None = None


@dataclass(frozen=True)
class Page:
    title: str
    lines: tuple[Line, ...]


def page(project: Project, place: Place) -> Page:
    """Raises `BadInput` for what is not there."""
    makers = {
        "step": _step, "sample": _sample, "run": _run, "learnt": _learnt, "rankings": _rankings, "ranking": _ranking,
        "prompt": _prompt, "guidelines": _guidelines,
    }  # fmt: skip
    title, *lines = makers[place.kind](project, place)
    return Page(title.text, tuple(lines))


def _step(project: Project, place: Place) -> Iterator[Line]:
    found = trail.point(project, place.number, place.step)
    title = ALGORITHMS[found.algorithm].title if found.algorithm in ALGORITHMS else found.algorithm
    yield Line(f"Run {found.run} ({title}), step {found.step} of {found.steps}")
    large = [name for name in METRICS if name in found.values and METRICS[name].page not in ("", "more")]
    numbers = [f"{METRICS[name].title} {found.values[name]:.4g}" for name in large or list(found.values)[:4]]
    yield Line(" · ".join(map(one_line, numbers)) or "No numbers are kept of this step.")
    yield Line("The run and what it computed with", "way", Place("run", found.run))
    yield Line("What gave the scores", "heading")
    yield from _scorer(found.scorer, found.reward_learnt)
    if found.learnt or found.may_have_learnt:
        yield Line("What the policy learns by itself", "heading")
    if found.learnt:
        yield Line(_counted(found.learnt), to=Place("learnt", found.run))
    if found.may_have_learnt:
        yield Line(MAY_HAVE, "warning")
    yield Line(f"Samples ({len(found.samples)})" if found.samples else "Samples", "heading")
    if not found.samples:
        yield Line("No samples are kept of this step: what learns from stored answers draws some now and then only.")
    rows = [each for each in found.samples if each.id > place.after]
    for each in rows[:MANY]:
        yield Line(f"{_scored(each)} · {one_line(each.prompt, LINE)}", to=replace(place, kind="sample", sample=each.id))
    if len(rows) > MANY:
        yield Line(f"The next of {len(rows) - MANY} more", to=replace(place, after=rows[MANY - 1].id))


MAY_HAVE = "It learns answers that rankings or verdicts may have chosen; such a run does not keep which ones did."


def _scorer(found: trail.Scorer, learnt: trail.LearntFrom | None) -> Iterator[Line]:
    if found.lost:
        yield Line(
            f"The reward model of run {found.reward_job}, which was removed: what it learnt from is not known.",
            "warning",
        )
    elif found.reward_job is not None:
        yield Line(f"The reward model of run {found.reward_job}", to=Place("run", found.reward_job))
    if learnt:
        yield Line(_counted(learnt), to=Place("learnt", learnt.run))
    for other in found.others:
        yield Line(one_line(other, 300).capitalize())
    if found.reward_job is None and not found.others:
        yield Line("Nothing: no reward is asked.")


def _scored(found: SampleBehind) -> str:
    parts = [found.policy] if found.policy != "policy" else []
    parts += [f"score {found.score:.3f}"] if found.score is not None else ["no score"]
    parts += [f"gold {found.gold:.3f}"] if found.gold is not None else []
    parts += [f"KL {found.kl:.2f}"] if found.kl is not None else []
    return " · ".join(parts)


def _sample(project: Project, place: Place) -> Iterator[Line]:
    job = queue.get(project, place.number)
    found = stored.samples(project, place.number, place.step)
    sample = next((each for each in found if each.id == place.sample), None)
    if sample is None or not isinstance(job, TrainPolicyJob):
        raise BadInput("This sample is not there any more.")
    yield Line(f"A sample of run {place.number}, step {place.step}")
    yield Line(f"{_scored(sample)} · {sample.tokens} tokens")
    yield Line("Its prompt", "heading")
    yield Line(sample.prompt, "quote")
    if sample.now is None:
        yield Line("This prompt was deleted since.", "warning")
    elif sample.prompt_changed:
        yield Line("This prompt was changed since: above is what was asked then.", "warning")
    if sample.prompt_id is not None:
        yield Line(f"Prompt {sample.prompt_id} and its rankings", to=Place("prompt", sample.prompt_id))
    yield Line(f"What the {sample.policy if sample.policy != 'policy' else 'policy'} answered", "heading")
    yield Line(sample.completion, "quote")
    yield Line("What gave the score", "heading")
    yield from _scorer(trail.scorer_of(project, job), None)


def _run(project: Project, place: Place) -> Iterator[Line]:
    job = queue.get(project, place.number)
    trained = isinstance(job, Run)
    yield Line(f"{'Run' if trained else 'Job'} {job.id}: {one_line(job.name, NAME)}")
    yield Line(f"It is {job.status}; it was asked for on {job.created_at[:10]}.")
    if isinstance(job, TrainRewardJob) or trail.learns_rankings(job):
        yield Line(_counted(trail.learnt_from(project, job.id)), to=Place("learnt", job.id))
    if trail.may_have_learnt(job):
        yield Line(MAY_HAVE, "warning")
    if isinstance(job, TrainPolicyJob):
        yield Line("What gives its scores", "heading")
        yield from _scorer(trail.scorer_of(project, job), None)
        if job.result.start:
            yield Line(f"It began from {one_line(job.result.start, 200)}.")
    if trained:
        yield from _environment(project, job)
    taken = [(number, words) for number, words in trail.uses(job) if number]
    if taken:
        yield Line("What it took", "heading")
    for number, words in taken:
        yield Line(f"It {words.format(number)}", to=Place("run", number))
    later = [(each, words) for each in queue.listed(project) for used, words in trail.uses(each) if used == job.id]
    if trained:
        yield Line("What came of it" if later else "Nothing took it so far.", "heading")
    for each, words in reversed(later):
        yield Line(
            f"Job {each.id}, {one_line(each.name, NAME)} ({each.status}): {words.format(job.id)}",
            to=Place("run", each.id),
        )


def _environment(project: Project, job: Job) -> Iterator[Line]:
    yield Line("What it computed with", "heading")
    found = environments.of_run(project, job.id)
    if not found:
        yield Line("Not known: it was begun by an earlier version, or has not begun.")
    for each in found:
        since = f"From step {each.step} on: " if each.step else ""
        yield Line(one_line(since + environments.told(each), 300))
    yield Line(f"Seed {getattr(job.config, 'seed', 'unknown')}.")


def _counted(found: trail.LearntFrom) -> str:
    if not found.known:
        return (
            f"Learnt from rankings, and run {found.run} did not keep which: by their times it can have been "
            f"{found.rankings:,} at most"
        )
    noun = "ranking" if found.rankings == 1 else "rankings"
    parts = [f"{number:,} {words}" for number, words in _changes(found.changed)]
    return f"Learnt from {found.rankings:,} {noun}" + (f": {', '.join(parts)}" if parts else "")


def _changes(found: trail.Changed) -> list[tuple[int, str]]:
    kinds = (
        (found.retracted, "taken back since"), (found.replaced, "with another in their place by now"),
        (found.gone, "deleted since, as an undone import does"),
    )  # fmt: skip
    return [each for each in kinds if each[0]]


def _learnt(project: Project, place: Place) -> Iterator[Line]:
    found = trail.learnt_from(project, place.number)
    yield Line(f"What run {found.run} learnt from")
    yield Line("The run and what it computed with", "way", Place("run", found.run))
    if not found.known:
        yield Line(
            "The run did not keep from which rankings it learnt: it has not begun, or an earlier version began it. By "
            f"their times it can have been {found.rankings:,} at most, of which {found.changed.retracted:,} were taken "
            "back since.",
            "warning",
        )
        return
    yield Line(
        f"It learnt from {found.rankings:,} rankings"
        + (f" and was tested on {found.tested:,} others." if found.tested else ".")
    )
    for number, words in _changes(found.changed):
        yield Line(f"{number:,} of them: {words}.", "warning")
    yield Line("Who ranked, under which guidelines", "heading")
    for each in found.sources:
        mark = MARKS[each.kind]
        back = f", {each.retracted:,} taken back since" if each.retracted else ""
        yield Line(
            f"{one_line(each.labeler, NAME)}{mark}, version {each.guidelines_id} of the guidelines: "
            f"{each.rankings:,} {'ranking' if each.rankings == 1 else 'rankings'}{back}",
            to=Place("rankings", found.run, labeler=each.labeler_id, version=each.guidelines_id),
        )
    newest = guidelines.current(project).id
    for version in sorted({each.guidelines_id for each in found.sources}):
        now = "which is the newest" if version == newest else f"the newest is {newest}"
        yield Line(f"Version {version} of the guidelines, {now}", to=Place("guidelines", version))


def _rankings(project: Project, place: Place) -> Iterator[Line]:
    found = learnt_rankings.of_run(project, place.number) or learnt_rankings.LearntRankings()
    rows = stored.rankings(
        project,
        found.learnt.ranges,
        labeler_id=place.labeler,
        guidelines_id=place.version,
        after=place.after,
        limit=MANY + 1,
    )
    name = one_line(rows[0].labeler, NAME) if rows else "nobody"
    yield Line(f"What run {place.number} learnt of {name}, version {place.version} of the guidelines")
    for each in rows[:MANY]:
        yield Line(f"{_standing(each)} · {one_line(each.prompt, LINE)}", to=Place("ranking", each.id))
    if len(rows) > MANY:
        yield Line(f"The next {MANY}", "way", replace(place, after=rows[MANY - 1].id))


def _standing(found: RankingBehind) -> str:
    parts = [f"Ranking {found.id}"]
    parts += [f"taken back on {found.retracted_at[:10]}"] if found.retracted_at else []
    parts += [f"ranking {found.standing} stands in its place"] if found.standing and not found.retracted_at else []
    return ", ".join(parts)


def _ranking(project: Project, place: Place) -> Iterator[Line]:
    found = trail.influence(project, place.number)
    ranking = found.ranking
    yield Line(f"Ranking {ranking.id}")
    mark = MARKS[ranking.kind]
    yield Line(f"By {one_line(ranking.labeler, NAME)}{mark}, on {ranking.created_at[:10]}.")
    if ranking.retracted_at:
        yield Line(f"It was taken back on {ranking.retracted_at[:10]}.", "warning")
    elif ranking.standing:
        yield Line(
            f"It does not count any more: ranking {ranking.standing} stands in its place.", "warning",
            Place("ranking", ranking.standing),
        )  # fmt: skip
    version = ranking.guidelines_id
    yield Line(f"Made under version {version} of the guidelines", to=Place("guidelines", version))
    yield Line(f"Prompt {ranking.prompt_id}: {one_line(ranking.prompt, LINE)}", to=Place("prompt", ranking.prompt_id))
    if ranking.flag:
        yield Line(f"Flagged as {one_line(ranking.flag, NAME)}: it gives no pair.")
    else:
        order = rankings.get(project, ranking.id).ranks
        placed = ", ".join(f"completion {key}: {rank or 'unranked'}" for key, rank in order.items())
        yield Line(f"Ranks, 1 is best: {placed}" if placed else "It holds no order.")
    yield Line("What it has influenced", "heading")
    if not found.jobs:
        yield Line("Nothing so far: no run learnt from it.")
    for each in found.jobs:
        unsure = "" if each.sure or each.how.startswith("may") else " (perhaps: see that run)"
        yield Line(
            f"Job {each.job}, {one_line(each.name, NAME)} ({each.status}): {each.how}{unsure}",
            to=Place("run", each.job),
        )


def _prompt(project: Project, place: Place) -> Iterator[Line]:
    found = prompts.get(project, place.number)
    split = "held out" if found.split == "heldout" else "trained on"
    yield Line(f"Prompt {found.id}")
    yield Line(f"It is {split}." + (f" It came from {one_line(found.source, NAME)}." if found.source else ""))
    yield Line(found.text, "quote")
    rows = stored.rankings_of_prompt(project, found.id)
    yield Line(f"Its rankings ({len(rows)})" if rows else "It was never ranked.", "heading")
    for each in rows[:MANY]:
        yield Line(
            f"{_standing(each)} · {one_line(each.labeler, NAME)}, version {each.guidelines_id} of the guidelines",
            to=Place("ranking", each.id),
        )
    if len(rows) > MANY:
        yield Line(f"{len(rows) - MANY} more are not shown.")


def _guidelines(project: Project, place: Place) -> Iterator[Line]:
    found = guidelines.version(project, place.number)
    yield Line(f"Version {found.id} of the guidelines")
    yield Line(f"Saved on {found.created_at[:10]}.")
    for title, text in guidelines.parts(found).items():
        if text.strip():
            yield Line(title.capitalize(), "heading")
            yield Line(text, "quote")
