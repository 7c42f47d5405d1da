"""What can be done where a number's origin is shown, and what leads there."""

from desktop.actions import Action

BACK = Action("trail.back", "‹ Back", "The page before", ("Alt+Left",), only_here=True)
FORWARD = Action("trail.forward", "Forward ›", "The page after", ("Alt+Right",), only_here=True)
INFLUENCED = Action(
    "trail.influenced", "What has it influenced?", "The runs, comparisons and exports that this ranking had a part in",
    role="link", only_here=True,
)  # fmt: skip

ACTIONS = (BACK, FORWARD, INFLUENCED)
