"""What can be done where a conversation is shown."""

from desktop.actions import Action

EARLIER = Action(
    "conversation.earlier", "Earlier turns", "Show or hide the turns before the last one", role="link", only_here=True
)
ADD_TURN = Action(
    "turns.add", "Add a turn", "After this one, or after the last", ("Ctrl+Shift+Return",), only_here=True
)
MOVE_UP = Action("turns.up", "Move the turn up", keys=("Ctrl+Shift+Up",), only_here=True)
MOVE_DOWN = Action("turns.down", "Move the turn down", keys=("Ctrl+Shift+Down",), only_here=True)
REMOVE_TURN = Action("turns.remove", "Remove the turn", "It can be put back", ("Ctrl+Shift+Backspace",), only_here=True)
PUT_TURN_BACK = Action("turns.put-back", "Put the removed turn back", role="link", only_here=True)

ACTIONS = (EARLIER, ADD_TURN, MOVE_UP, MOVE_DOWN, REMOVE_TURN, PUT_TURN_BACK)
