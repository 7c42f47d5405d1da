"""Cases of which a few stand for all in the default suite; the others are marked `thorough`."""

from collections.abc import Iterable
from typing import Any

import pytest


def represented(cases: Iterable[Any], *by: Any) -> list[Any]:
    """`cases` as parameters, all but those in `by` marked; a tuple is of several parameters."""
    return [
        each
        if each in by
        else pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=pytest.mark.thorough)
        for each in cases
    ]
