"""Training runs as rows: checks before one is queued, grids, rounds, and what hangs on a run. No torch."""
