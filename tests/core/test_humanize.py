"""Durations and sizes are said in one way everywhere."""

import pytest

from core.humanize import duration, size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "1 s"), (71.4, "71 s"), (100.0, "2 min"), (1800.0, "30 min"), (5400.0, "1.5 h"), (90_000.0, "25.0 h")],
)
def test_a_duration(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "1 kB"),
        (34_300, "34 kB"),
        (100_000, "0.1 MB"),
        (12_345_678, "12.3 MB"),
        (999_000_000, "999.0 MB"),
        (1_234_000_000, "1.2 GB"),
    ],
)
def test_a_size_in_bytes(count, said):
    assert size(count) == said
