"""An order of all answers that a voter has begun, on disk with each letter."""

from collections.abc import Sequence

from core.labeling.ordering import Ordering
from core.store import Project
from core.store.typed import WHOLE, Typed


class WholeDraft:
    """Of one voter and one prompt. What another window of theirs began of it stays beside it (`Typed`)."""

    def __init__(self, project: Project, labeler_id: int, prompt_id: int) -> None:
        self._typed = Typed(project, f"{WHOLE}{labeler_id}/{prompt_id}")

    def read(self, shown: Sequence[int]) -> Ordering:
        """What is begun, without answers that are gone since."""
        found = self._typed.read(_are_tiers)
        return Ordering(tuple(shown), tuple(map(tuple, found or ()))).among(tuple(shown))

    def keep(self, ordering: Ordering) -> None:
        self._typed.keep([list(tier) for tier in ordering.tiers] or None)

    def forget(self) -> None:
        """It is voted."""
        self._typed.keep(None)


def _are_tiers(kept: object) -> bool:
    """A project may come from elsewhere."""
    if not isinstance(kept, list) or not all(isinstance(tier, list) and tier for tier in kept):
        return False
    placed = [number for tier in kept for number in tier]
    return all(type(number) is int for number in placed) and len(set(placed)) == len(placed)
