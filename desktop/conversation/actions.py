"""What can be done where a conversation is shown."""

from desktop.actions import Action

EARLIER = Action(
    "conversation.earlier", "Earlier turns", "Show or hide the turns before the last one", role="link", only_here=True
)

ACTIONS = (EARLIER,)
