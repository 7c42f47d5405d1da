"""Hand-written speed-ups of the models."""
