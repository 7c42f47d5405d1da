"""Shipped files; `core.resources` finds them. A package only so that they are installed."""
