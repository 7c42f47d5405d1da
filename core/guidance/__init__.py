"""What to do next, in words: next step, tour, checks of the guidelines, advice on a run's curves. No torch."""
