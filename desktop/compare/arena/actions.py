"""What can be done on the arena's pages. The ballot obeys the keys of voting itself."""

from dataclasses import replace
from functools import partial

from core.config.arena import AnswerConfig
from desktop.actions import Action, settings_of
from desktop.compare.arena.keys import BINDINGS
from desktop.conversation.actions import EARLIER as EARLIER_TURNS
from desktop.places import PageId, TabId

#: Of the sampling, where there is little room.
TITLES = {"max_new_tokens": "Length (tokens)", "top_p": "Top-p"}

_arena = partial(Action, tab=TabId.COMPARE, page=PageId.ARENA)
_vote = partial(Action, tab=TabId.COMPARE, page=PageId.VOTE, only_here=True)
_results = partial(Action, tab=TabId.COMPARE, page=PageId.STANDINGS, only_here=True)

CHOOSE = _arena("arena.choose", "Arena", "Each has prompts, policies and votes of its own.", field=True, only_here=True)
NEW = _arena("arena.new", "New arena …", "Policies that answer the same prompts, to be voted on", keywords="blind vote")
ADD_POLICY = _arena(
    "arena.add-policy", "Add a policy …", "The base, a run, best-of-n, an adapter, another model or a server",
    only_here=True,
)  # fmt: skip
TAKE_OUT = _arena("arena.take-out", "Take out", "The selected policy, with its answers", only_here=True)
ADD_PROMPTS = _arena("arena.add-prompts", "More prompts …", only_here=True)
ANSWER = _arena(
    "arena.answer", "Let them answer", "Each policy answers the prompts that it has not answered yet", role="primary",
    only_here=True,
)  # fmt: skip
VOTE = _arena("arena.vote", "Vote", "Two answers at a time, blind", role="primary", only_here=True)
SAMPLING = settings_of(
    AnswerConfig, "arena", TabId.COMPARE, PageId.ARENA, leave_out=("arena",), titles=TITLES, only_here=True
)
#: In the questions who is to answer, and who is to judge.
SERVER = _arena(
    "arena.server", "Address of the server",
    "Of Ollama, llama.cpp, vLLM, LM Studio or transformers serve: whatever speaks OpenAI's chat API.", field=True,
    only_here=True,
)  # fmt: skip
SERVER_MODEL = _arena(
    "arena.server-model", "The server's model", "Type its name, or press Look.", field=True, only_here=True
)
LOOK = _arena("arena.look", "Look", "Ask the server which models it has.", only_here=True)

FIRST = _vote("ballot.first", "←  A is better", "The left answer is better", BINDINGS["first"].keys)
SECOND = _vote("ballot.second", "B is better  →", "The right answer is better", BINDINGS["second"].keys)
TIE = _vote("ballot.tie", "↓  Tie", "Neither is better", BINDINGS["tie"].keys)
BAD = _vote("ballot.bad", "Both bad", "A tie that says that neither will do", BINDINGS["bad"].keys)
LATER = _vote("ballot.later", "Later", "Ask me something else now", BINDINGS["later"].keys, role="link")
TAKE_BACK = _vote(
    "ballot.take-back", "Take back", "Your last vote, to be given anew", BINDINGS["take_back"].keys, role="link"
)
SEND_BACK = _vote("vote.send-back", "Send the pack back …", role="primary")
CHANGE = _vote("ballot.voter", "Somebody else …", "Another labeler votes from now on, here and in Rank", role="link")
COMMENT = _vote("ballot.comment", "Comment", keys=BINDINGS["comment"].keys, field=True)
KEYS = _vote("ballot.keys", "?", "All keys", BINDINGS["help"].keys)
EARLIER = replace(
    EARLIER_TURNS, id="ballot.earlier", keys=BINDINGS["earlier"].keys, tab=TabId.COMPARE, page=PageId.VOTE
)
ORDER_EARLIER = replace(EARLIER, id="order.earlier", tip=f"{EARLIER_TURNS.tip} (T)", keys=())
WAY = _vote("ballot.way", "Vote on", "Two answers at a time, or an order of all answers to a prompt", field=True)
PLACE = _vote("order.place", "Place", "The next place, from best to worst, as its letter gives it", role="link")
SAVE_ORDER = _vote("order.save", "Save the order", "Once each answer has its place (Enter)", role="primary")
LETTER_BACK = _vote("order.letter-back", "Last place back", "As Backspace does", role="link")
ALL_BAD = _vote("order.bad", "All bad", "A tie that says that none will do (X)")
ORDER_BACK = _vote("order.take-back", "Take back the last vote", "Your last order, to be given anew", role="link")
ORDER_LATER = _vote("order.later", "Order later", "Ask me something else now (S)", role="link")

REVEAL = _results("arena.reveal", "Show the results", role="primary")
VOTES_OF = _results("arena.votes-of", "Votes of", "People, or one of the judges", field=True)
TAG = _results("arena.tag", "Prompts tagged", field=True)
JUDGE = _results("arena.judge", "Let a judge vote …", "A reward model or a language model votes on the same pairs")

ACTIONS = (
    CHOOSE, NEW, ADD_POLICY, TAKE_OUT, ADD_PROMPTS, ANSWER, VOTE, *SAMPLING.values(), SERVER, SERVER_MODEL, LOOK,
    FIRST, SECOND, TIE, BAD, LATER, TAKE_BACK, CHANGE, SEND_BACK, COMMENT, KEYS, EARLIER,
    ORDER_EARLIER, WAY, PLACE, SAVE_ORDER, LETTER_BACK, ALL_BAD, ORDER_BACK, ORDER_LATER,
    REVEAL, VOTES_OF, TAG, JUDGE,
)  # fmt: skip
