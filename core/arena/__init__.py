"""Policies against each other, without torch: who takes part, what is asked next, and what becomes of a vote."""
