"""What can be done on the Rank tab. What its keys are says `keys`: the board obeys some of them itself."""

from dataclasses import replace
from functools import partial

from core.config.jobs import GenerateConfig
from desktop.actions import Action, settings_of
from desktop.conversation.actions import EARLIER as EARLIER_TURNS
from desktop.places import PageId, TabId
from desktop.rank.keys import BINDINGS, DOWN, TIE_UP, with_key

_rank = partial(Action, tab=TabId.RANK)
_here = partial(Action, tab=TabId.RANK, only_here=True)

#: What stands beside the cards.
PANELS = {
    PageId.GENERATE: _rank(
        "rank.panel-generate", "Generate", "Write completions with the local model", BINDINGS["generate"].keys
    ),
    PageId.RULES: _rank("rank.panel-guidelines", "Guidelines", "Read the rules while ranking", BINDINGS["rules"].keys),
    PageId.HISTORY: _rank(
        "rank.panel-history", "History", "Earlier rankings, to look at or revise", BINDINGS["history"].keys
    ),
    PageId.SESSION: _rank("rank.panel-session", "Session", "Time, pace and breaks", BINDINGS["session"].keys),
}
CLOSE_PANEL = _here("rank.panel-close", "Close", role="link")
LABELER = _rank("rank.labeler", "Labeler", "Your name. Rankings are kept apart by labeler.", field=True)
ALL_KEYS = _here("rank.all-keys", "?", "All keys", BINDINGS["help"].keys)
VIEW = _here("rank.view", "View  ▾", "The way to rank, and how the cards are shown")
NEXT_METHOD = _here("rank.next-method", "Another way to rank", keys=BINDINGS["method"].keys)
BY_CRITERIA = _here("rank.by-criteria", "Order by each criterion", checkable=True)
VIEWS = {
    "single": _here("rank.single", "One card at full height", keys=BINDINGS["single"].keys, checkable=True),
    "stacked": _here("rank.stacked", "Stacked cards", keys=BINDINGS["stacked"].keys, checkable=True),
    "markdown": _here("rank.markdown", "Show Markdown as it is meant", keys=BINDINGS["markdown"].keys, checkable=True),
    "differences": _here(
        "rank.differences",
        "Highlight differences to the selected card",
        keys=BINDINGS["differences"].keys,
        checkable=True,
    ),
    "left_out": _here("rank.left-out", "Ask before cards without a place are saved as worse", checkable=True),
}
LARGER = _here("rank.larger", "Larger text", keys=BINDINGS["larger"].keys)
SMALLER = _here("rank.smaller", "Smaller text", keys=BINDINGS["smaller"].keys)

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
POLICY = _here(
    "generate.policy", "Written by", "The base model, a policy that you tuned from it, or the model of a server.",
    field=True,
)  # fmt: skip
MIXED = _here(
    "generate.mixed",
    "Every second one by",
    "Writes every second completion. Labelers do not see who wrote what.",
    field=True,
)
CHECKPOINT = _here("generate.checkpoint", "Its checkpoint", field=True)
SERVER = _here(
    "generate.server", "Address of the server",
    "Of Ollama, llama.cpp, vLLM, LM Studio or transformers serve: whatever speaks OpenAI's chat API.", field=True,
)  # fmt: skip
SERVER_MODEL = _here("generate.server-model", "The server's model", "Type its name, or press Look.", field=True)
LOOK = _here("generate.look", "Look", "Ask the server which models it has.")
#: Has a field of its own, or is for single prompts, which come from elsewhere.
LEFT_OUT = ("policy_job", "mix_with", "server", "server_model", "prompt_ids", "rank_first", "checkpoint")
GENERATION = settings_of(GenerateConfig, "generate", TabId.RANK, leave_out=LEFT_OUT, titles=TITLES, only_here=True)
WHOSE = _here("history.whose", "Whose rankings", field=True)
CALIBRATE = _here(
    "history.calibrate",
    "Put into the calibration set",
    "New labelers rank it first, to see whether they read the guidelines as you do.",
    role="link",
)
BREAKS = _here("session.breaks", "Suggest a break after", field=True)
BEGIN_GENERATING = _here("rank.generate", "Generate completions …")
SEND_BACK = _here("rank.send-back", "Send the pack back …", role="primary")
UNDO_LAST = _here("rank.undo-last", "Undo the last ranking", "Undo, saved rankings too", role="link")
UNSKIP = _here("rank.unskip", "Bring back what was skipped", role="link")
GO_ON = _here("rank.go-on", "Go on ranking", role="primary")
READ_GUIDELINES = _here("rank.read", f"Read the guidelines ({PANELS[PageId.RULES].keys[0]})")

PLACE = _here("board.place", "Place", "Give it the next place", BINDINGS["place_selected"].keys)
FLAG = _here("board.flag", "⚑  Flag", "Flag a completion or the whole prompt", BINDINGS["flag"].keys)
GOOD = _here("board.good", "+", "The selected answer is good by itself", BINDINGS["good"].keys, "thumbs up verdict")
BAD = _here("board.bad", "−", "The selected answer is bad by itself", BINDINGS["bad"].keys, "thumbs down verdict")
UNDO = _here("board.undo", "Undo", "Undo, saved rankings too", BINDINGS["undo"].keys)
LATER = _here("board.skip", "Later", "It comes back at the end", BINDINGS["skip"].keys)
SAVE = _here("board.save", "Save and next", keys=BINDINGS["save"].keys, role="primary")
#: The answers when two are asked at a time; their keys are those that select cards otherwise.
LEFT_BETTER = _here("question.left", "The left one is better", with_key("The left one is better", "left"))
NEITHER = _here("question.neither", "↓  Equally good", f"Neither is better ({DOWN.shown} or {TIE_UP.shown})")
RIGHT_BETTER = _here("question.right", "The right one is better", with_key("The right one is better", "right"))
ANSWER = _here("answer.text", "Answer of your own", field=True)
ADD_ANSWER = _here("answer.add", "Add", "Add it to the answers (Ctrl+Enter)", role="primary")
LEAVE_ANSWER = _here("answer.leave", "Close", "Go back to the cards: what you typed is kept", ("Esc",), role="link")
WRITE = _here(
    "board.write", "✎  Write", "Write an answer of your own: it joins these", BINDINGS["write"].keys, "my own by hand"
)
MEND = _here("board.mend", "Mend", "Write a better one out of the selected answer", BINDINGS["mend"].keys, "edit")
EARLIER = replace(EARLIER_TURNS, id="board.earlier", keys=BINDINGS["earlier"].keys, tab=TabId.RANK)
CRITERION = _here("rank.criterion", "Order by a criterion")
COMMENT = _here("board.comment", "Comment", keys=BINDINGS["comment"].keys, field=True)

ACTIONS = (
    *PANELS.values(), CLOSE_PANEL, LABELER, VIEW, NEXT_METHOD, BY_CRITERIA, *VIEWS.values(), LARGER, SMALLER,
    GENERATE, STOP, RESUME, POLICY, CHECKPOINT, MIXED, *GENERATION.values(), SERVER, SERVER_MODEL, LOOK,
    WHOSE, CALIBRATE, BREAKS, BEGIN_GENERATING, SEND_BACK, UNDO_LAST,
    UNSKIP, GO_ON, READ_GUIDELINES, ALL_KEYS, PLACE, GOOD, BAD, FLAG, UNDO, LATER, SAVE, COMMENT, LEFT_BETTER, NEITHER,
    RIGHT_BETTER, CRITERION, WRITE, MEND, EARLIER, ANSWER, ADD_ANSWER, LEAVE_ANSWER,
)  # fmt: skip
