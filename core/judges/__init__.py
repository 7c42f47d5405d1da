"""Judges in place of people: models that are asked which of two answers is better, and functions that give scores."""
