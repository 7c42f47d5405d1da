"""When a job will end, by its row, held against when it ended: at half its time, for runs of several kinds."""

import random
from dataclasses import dataclass

import pytest

from core.config.jobs import WRITING, WRITING_FIRST, JobKind
from core.events import Later, Progress, Rollback
from core.jobs import queue, recorder
from core.jobs.pace import Pace
from core.jobs.recorder import Recorder

#: What the error at half-time may be, as a share of the time that is left.
ERROR = 0.3
#: Seconds of each step of a run of PPO on two busy cores, as it recorded them: writing, scoring, learning, and the
#: reference's own answers, until every prompt was answered once.
RECORDED = (
    (10.17, 19.29, 5.72, 2.52), (14.13, 2.75, 2.62, 2.31),
    (3.53, 2.63, 2.78, 2.48), (3.32, 2.5, 2.61, 2.52), (3.51, 2.62, 2.51, 2.32), (3.24, 2.38, 2.44, 2.31),
    (2.82, 2.17, 2.17, 1.93), (2.69, 2.14, 2.1, 1.82), (2.48, 2.04, 2.3, 2.12), (3.0, 2.03, 2.18, 2.0),
    (2.93, 2.12, 2.82, 2.51), (3.01, 2.51, 2.61, 2.17), (2.84, 2.17, 2.26, 0), (2.45, 2.02, 1.9, 0),
    (2.14, 1.89, 2.1, 0), (2.39, 1.77, 1.9, 0), (2.09, 1.72, 1.92, 0), (2.1, 1.73, 1.91, 0), (2.4, 1.76, 1.86, 0),
    (2.14, 1.81, 1.9, 0),
)  # fmt: skip
PHASES = ("Writing 16 completions", "Scoring 16 completions", "Learning", "Writing 4 reference answers")
#: And of one whose completions are soon shorter: writing, comparing, scoring, the reference's own answers, learning.
SHORTENED = (
    (5.3, 2.3, 3, 5.5, 3.3), (7.4, 2.4, 1.3, 0, 4.2), (3.9, 1.8, 0.8, 0, 2.9), (3.3, 1.8, 0.9, 0, 2.6),
    (3.9, 1.8, 0.8, 0, 2.9), (3.8, 1.8, 0.6, 0, 2.6), (4.6, 1.8, 0.8, 0, 2.5), (4.7, 1.8, 0.6, 0, 2.4),
    (2.2, 1.3, 0.4, 0, 2), (2, 1.2, 0.5, 0, 2.3), (2.5, 1.4, 0.5, 0, 2.3), (2.1, 1.2, 0.5, 0, 2.1),
    (1.9, 1, 0.4, 0, 1.8), (1.7, 1, 0.6, 0, 1.7), (1.9, 1.2, 0.5, 0, 2), (2.5, 1.2, 0.5, 0, 2.2),
    (2.9, 1.5, 0.7, 0, 2), (2.5, 1.3, 0.7, 0, 1.8), (1.8, 1.1, 0.5, 0, 1.7), (2.2, 1.2, 0.7, 0, 2.3),
    (1.5, 1.1, 0.4, 0, 1.7), (2, 1.4, 0.4, 0, 2), (2, 1.1, 0.4, 0, 1.7), (1.7, 1.2, 0.4, 0, 1.6),
    (2, 1.2, 0.4, 0, 2.2), (1.8, 1.3, 0.4, 0, 1.7), (1.3, 1.1, 0.4, 0, 1.8), (1.9, 1.2, 0.6, 0, 1.6),
    (1.5, 1, 0.4, 0, 1.5), (1.7, 1.2, 0.4, 0, 2.1),
)  # fmt: skip
SHORTENED_PHASES = (PHASES[0], "Comparing with the reference", PHASES[1], PHASES[3], "Learning, pass 1 of 4")


@dataclass(frozen=True)
class Run:
    """The seconds of each phase of each step, what comes after the last one, and seconds of pauses by the step after
    which they were made."""

    steps: tuple[dict[str, float], ...]
    later: float = 0.0
    pauses: tuple[tuple[int, float], ...] = ()


def run(*steps, **more):
    return Run(tuple(step if isinstance(step, dict) else {"Learning": step} for step in steps), **more)


def steps(count, *, first=1.0, growth=1.0, every=0, measured=6.0, noise=0.0):
    """Each with as much noise as is told, the last `growth` times as long as a usual one."""
    chance = random.Random(count)
    for number in range(count):
        long = (
            (1 + (growth - 1) * number / (count - 1)) * (first if number == 0 else 1) * chance.lognormvariate(0, noise)
        )
        writing = {"Writing 16 completions": 3 * long, "Learning": 2 * long}
        yield writing | ({"Measuring 8 held-out answers": measured} if every and (number + 1) % every == 0 else {})


RUNS = {
    "steady": run(*steps(12, noise=0.1)),
    "noisy": run(*steps(40, noise=0.5)),
    "slow first step": run(*steps(20, first=6)),
    "two slow first steps": run(9, 6, *[2] * 16),
    "measured every fifth step": run(*steps(24, every=5, measured=20)),
    "measured seldom, slow first step": run(*steps(60, every=20, measured=60, first=10, noise=0.2)),
    "completions grow to three times": run(*steps(30, growth=3, noise=0.1)),
    "completions shrink to the half": run(*steps(40, growth=0.5, noise=0.1)),
    "answers of the reference in bunches": run(
        *({"Learning": 5.0} | ({"Writing 16 reference answers": 6.0} if number % 4 == 0 else {}) for number in range(8))
    ),
    "paused in the middle": run(*steps(16), pauses=((5, 4000.0), (7, 100.0))),
    "measured at the end": run(*steps(16), later=40.0),
    "recorded": run(*(dict(zip(PHASES, step, strict=True)) for step in RECORDED), later=20.0),
    "completions soon shorter": run(
        *(dict(zip(SHORTENED_PHASES, step, strict=True)) for step in SHORTENED), later=2.6
    ),
}  # fmt: skip


def error_after(project, monkeypatch, told: Run, share: float = 0.5) -> float:
    """How far off the estimate is after so much of its time, as a share of the time that is truly left; a pause is no
    part of either."""
    now, pauses = [0.0], dict(told.pauses)
    left = sum(map(sum, (step.values() for step in told.steps))) + told.later
    rest = left * (1 - share)
    job, total = queue.enqueue(project, JobKind.FETCH_MODEL, {}), len(told.steps)
    with monkeypatch.context() as patch:
        patch.setattr(recorder.time, "monotonic", lambda: now[0])
        patch.setattr(recorder.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
        writer = Recorder(project, job.id)
        writer.record(Later(told.later))
        writer.record(Progress(0, total, "Tuning"))
        for number, step in enumerate(told.steps, start=1):
            if left - sum(step.values()) <= rest:
                estimate = queue.get(project, job.id).eta_after(left - rest)
                assert estimate is not None
                return estimate / rest - 1
            for phase, seconds in step.items():
                writer.begin_phase(phase)
                now[0] += seconds
            left -= sum(step.values())
            writer.record(Progress(number, total, "Tuning"))
            if number in pauses:
                queue.want(project, job.id, "pause")
                writer.hold(pauses[number])
                queue.want(project, job.id, "run")
    raise AssertionError("most of the time comes after the steps")


def test_at_half_time_the_estimate_is_within_a_third_of_the_truth_in_runs_of_all_kinds(project, monkeypatch):
    errors = {name: error_after(project, monkeypatch, told) for name, told in RUNS.items()}
    assert {name: round(error, 2) for name, error in errors.items() if abs(error) > ERROR} == {}


def test_completions_that_are_short_by_half_time_do_not_go_on_becoming_shorter(project, monkeypatch):
    told = RUNS["completions soon shorter"]
    assert abs(error_after(project, monkeypatch, told, 0.58)) < ERROR


def test_what_came_only_at_first_may_never_come_again():
    pace = Pace(0.0)
    pace.begin("Writing 4 reference answers", 0.0)
    pace.begin("Learning", 6.0)
    pace.finish(1, 16.0)
    assert pace.rest(8) == pytest.approx(8 * 16)
    pace.begin("Learning", 16.0)
    pace.finish(2, 26.0)
    assert pace.rest(8) == pytest.approx(8 * (10 + 6 / 2 / 2))


@pytest.fixture
def writer(project):
    return Recorder(project, queue.enqueue(project, JobKind.FETCH_MODEL, {}).id)


@pytest.fixture
def told(writer, monkeypatch):
    """Says at a time how many units are done; the seconds that are said to be left."""
    now = [0.0]
    monkeypatch.setattr(recorder.time, "monotonic", lambda: now[0])

    def tell(done, total, stage, *, at):
        now[0] = at
        writer.record(Progress(done, total, stage))
        return queue.get(writer.project, writer.job_id).eta

    return tell


def test_a_rollback_and_a_stage_that_counts_anew_begin_the_pace_anew(told, writer):
    assert [told(done, 8, "Tuning", at=10.0 * done) for done in range(4)] == [None, 70, 60, 50]
    writer.record(Rollback(1, "The run is back at step 1.", wait=False))
    assert [told(1, 8, "Tuning", at=35), told(2, 8, "Tuning", at=37)] == [None, pytest.approx(12)]
    assert told(2, 8, "Tuning the second", at=37) == pytest.approx(12), "it counts on where the first one ended"
    assert [told(0, 4, "Scoring", at=40), told(2, 4, "Scoring", at=41)] == [None, pytest.approx(1)]
    assert told(4, 4, "Scoring", at=42.5) is None
    assert queue.get(writer.project, writer.job_id).seconds == pytest.approx(2.5), "all of the stage, in the end"


def test_the_first_prompt_that_goes_alone_makes_no_pace_for_those_that_go_together(told, writer):
    assert [told(0, 20, WRITING_FIRST, at=10), told(1, 20, WRITING, at=16)] == [None, None]
    assert told(11, 20, WRITING, at=26) == pytest.approx(9)
    told(20, 20, WRITING, at=35)
    assert queue.get(writer.project, writer.job_id).seconds == pytest.approx(25), "those of the first one, too"
