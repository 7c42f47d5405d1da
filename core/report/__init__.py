"""How far a reward model can be trusted: measured from its stored scores, shown by the window, exported. No torch."""
