"""What can be done on the Rank tab: by its buttons, and by the keys that the board obeys while the cards are shown.

Cards go by the letters A to P, so F and the like are cards too when there are many: commands use other keys.
Arrows, digits, Space and Enter are enough by themselves, for keyboards without Latin letters.
"""

from functools import partial
from typing import Literal

from core.config.job_configs import GenerateConfig
from desktop.actions import Action, settings_of
from desktop.places import PageId, TabId

_rank = partial(Action, tab=TabId.RANK)
_here = partial(Action, tab=TabId.RANK, only_here=True)

#: What stands beside the cards.
PANELS = {
    PageId.GENERATE: _rank("rank.panel-generate", "Generate", "Write completions with the local model", ("F2",)),
    PageId.RULES: _rank("rank.panel-guidelines", "Guidelines", "Read the rules while ranking", ("F3",)),
    PageId.HISTORY: _rank("rank.panel-history", "History", "Earlier rankings, to look at or revise", ("F4",)),
    PageId.SESSION: _rank("rank.panel-session", "Session", "Time, pace and breaks", ("F5",)),
}
CLOSE_PANEL = _here("rank.panel-close", "Close", role="link")
LABELER = _rank("rank.labeler", "Labeler", "Your name. Rankings are kept apart by labeler.", field=True)
ALL_KEYS = _here("rank.all-keys", "?", "All keys", ("?",))
VIEW = _here("rank.view", "View  ▾", "The way to rank, and how the cards are shown")
NEXT_METHOD = _here("rank.next-method", "Another way to rank", keys=("F6",))
BY_CRITERIA = _here("rank.by-criteria", "Order by each criterion", checkable=True)
VIEWS = {
    "stacked": _here("rank.stacked", "Stacked cards", keys=("F7",), checkable=True),
    "markdown": _here("rank.markdown", "Render Markdown", keys=("F8",), checkable=True),
    "differences": _here(
        "rank.differences", "Highlight differences to the selected card", keys=("F9",), checkable=True
    ),
}
LARGER = _here("rank.larger", "Larger text", keys=("Ctrl++", "Ctrl+="))
SMALLER = _here("rank.smaller", "Smaller text", keys=("Ctrl+-",))

#: What the settings of the writing are called beside the cards, where there is little room.
TITLES = {
    "completions": "Completions (N)",
    "max_new_tokens": "Length (tokens)",
    "top_p": "Top-p",
    "split": "Prompts",
    "limit": "How many",
    "missing_only": "Only unanswered",
}
GENERATE = _here("generate.start", "Generate", role="primary")
STOP = _here("generate.stop", "Stop", "What is written so far stays.")
RESUME = _here("generate.resume", "Resume", "Go on where it ended.")
POLICY = _here("generate.policy", "Written by", "The base model, or a policy that you tuned from it.", field=True)
MIXED = _here(
    "generate.mixed",
    "Every second one by",
    "Writes every second completion. Labelers do not see who wrote what.",
    field=True,
)
GENERATION = settings_of(
    GenerateConfig, "generate", TabId.RANK, leave_out=("policy_job", "mix_with"), titles=TITLES, only_here=True
)
WHOSE = _here("history.whose", "Whose rankings", field=True)
CALIBRATE = _here(
    "history.calibrate",
    "Put into the calibration set",
    "New labelers rank it first, to see whether they read the guidelines as you do.",
    role="link",
)
BREAKS = _here("session.breaks", "Suggest a break after", field=True)
BEGIN_GENERATING = _here("rank.generate", "Generate completions …")
UNDO_LAST = _here("rank.undo-last", "Undo the last ranking", "Undo, saved rankings too", role="link")
UNSKIP = _here("rank.unskip", "Bring back what was skipped", role="link")
GO_ON = _here("rank.go-on", "Go on ranking", role="primary")
READ_GUIDELINES = _here("rank.read", f"Read the guidelines ({PANELS[PageId.RULES].keys[0]})")

Name = Literal[
    "place",
    "tie",
    "place_selected",
    "to_rank",
    "tie_up",
    "better",
    "worse",
    "left",
    "right",
    "up",
    "down",
    "take_back",
    "remove",
    "flag",
    "save",
    "skip",
    "skip_for_good",
    "comment",
    "undo",
    "redo",
    "scroll_up",
    "scroll_down",
    "copy",
    "help",
    "escape",
]

#: What the board does by keys, beside the letters and digits, which name a card or a place.
BOARD: dict[Name, Action] = {
    "place_selected": _here("board.place", "Place", "Give it the next place", ("Space",)),
    "left": _here("board.left", "Select the card at the left", keys=("Left",)),
    "up": _here("board.up", "Select the card above", keys=("Up",)),
    "right": _here("board.right", "Select the card at the right", keys=("Right",)),
    "down": _here("board.down", "Select the card below", keys=("Down",)),
    "take_back": _here("board.take-back", "Take back the lowest placement", keys=("Backspace",)),
    "remove": _here("board.remove", "Take its place away", keys=("Delete",)),
    "better": _here("board.better", "Move it up", keys=("Shift+Up",)),
    "worse": _here("board.worse", "Move it down", keys=("Shift+Down",)),
    "tie_up": _here("board.tie", "Tie it with the rank above", keys=("=",)),
    "save": _here("board.save", "Save and next", keys=("Enter", "Return", "Ctrl+Return", "Ctrl+Enter"), role="primary"),
    "skip": _here("board.skip", "Later", "It comes back at the end", ("S",)),
    "skip_for_good": _here("board.skip-for-good", "Skip for good", keys=("Shift+S",)),
    "flag": _here("board.flag", "⚑  Flag", "Flag a completion or the whole prompt", ("X", "Menu", "Shift+F10")),
    "comment": _here("board.comment", "Comment", keys=("Ctrl+M",), field=True),
    "undo": _here("board.undo", "Undo", "Undo, saved rankings too", ("Ctrl+Z",)),
    "redo": _here("board.redo", "Redo", keys=("Ctrl+Shift+Z", "Ctrl+Y")),
    "scroll_up": _here("board.scroll-up", "Scroll its text up", keys=("PgUp",)),
    "scroll_down": _here("board.scroll-down", "Scroll its text down", keys=("PgDown",)),
    "copy": _here("board.copy", "Copy its text", keys=("Ctrl+C",)),
    "help": ALL_KEYS,
    "escape": _here("board.leave", "Leave the comment", keys=("Esc",)),
}

ACTIONS = (
    *PANELS.values(), CLOSE_PANEL, LABELER, VIEW, NEXT_METHOD, BY_CRITERIA, *VIEWS.values(), LARGER, SMALLER,
    GENERATE, STOP, RESUME, POLICY, MIXED, *GENERATION.values(), WHOSE, CALIBRATE, BREAKS, BEGIN_GENERATING, UNDO_LAST,
    UNSKIP, GO_ON, READ_GUIDELINES, *BOARD.values(),
)  # fmt: skip
