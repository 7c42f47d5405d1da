"""Time at work, of an item and of a session."""

from core.labeling.clock import IDLE_SECONDS, LabelingClock, Stopwatch


def test_the_clock_counts_work_and_not_pauses() -> None:
    now = [0.0]
    clock = LabelingClock(lambda: now[0])
    for _ in range(4):
        now[0] += 30
        clock.record(saved=True)
    assert (clock.items, clock.seconds, clock.in_a_row) == (4, 120.0, 4)
    assert clock.an_hour == 120
    assert clock.left(10) == 300
    assert clock.break_due(1)
    assert not clock.break_due(1)
    now[0] += 3600
    clock.record(left_out=True)
    assert clock.seconds == 240
    assert clock.in_a_row == 0
    assert not clock.break_due(0)


def test_a_pause_counts_for_two_minutes_at_most() -> None:
    now = [0.0]
    watch = Stopwatch(lambda: now[0])
    now[0] += 5
    watch.mark()
    now[0] += 3600
    assert (watch.seconds, watch.pause) == (5 + IDLE_SECONDS, 3600)
    watch.mark()
    assert (watch.seconds, watch.pause) == (5 + IDLE_SECONDS, 0)
