"""What can be done with charts, wherever they stand."""

from desktop.actions import Action

FOLLOW = Action(
    "charts.follow", "Show all steps", "Show all steps again, and follow what comes", role="link", only_here=True
)

ACTIONS = (FOLLOW,)
