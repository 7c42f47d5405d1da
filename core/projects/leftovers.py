"""What killed processes have left half done, wherever it lies: finished or removed by whatever starts next."""

from core.projects import trash
from core.store.files import beside


def clear() -> None:
    """Costs nothing where there is nothing."""
    beside.sweep()
    trash.settle()
