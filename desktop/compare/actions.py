"""What can be done on the Compare tab."""

from functools import partial

from desktop.actions import Action
from desktop.compare.arena import actions as arena
from desktop.conversation.talk_actions import talk_actions
from desktop.places import PageId, TabId

_compare = partial(Action, tab=TabId.COMPARE, page=PageId.SIDE_BY_SIDE)

POLICY = _compare("compare.policy", "Tuned policy", field=True)
CHECKPOINT = _compare("compare.checkpoint", "Checkpoint of the tuned policy", field=True, only_here=True)
PROMPT = _compare("compare.prompt", "Prompt that both policies answer", field=True)
ANSWER = _compare("compare.answer", "Answer", role="primary")
HELD_OUT = _compare("compare.held-out", "Compare on the held-out prompts")
PAST = _compare("compare.past", "Comparisons of this policy", field=True, only_here=True)
RESUME = _compare("compare.resume", "Resume", "Go on with the comparison that is shown", only_here=True)
BACK = _compare("compare.back", "Show the held-out prompts", role="link", only_here=True)
TO_TALK = _compare("compare.talk", "Back to the conversation", role="link", only_here=True)
SHOW_MORE = _compare("compare.more", "Show more", only_here=True)
#: By the side whose answer it is.
GO_ON = {
    "reference": _compare(
        "compare.go-on-reference", "Go on from here", "Answer the reference, and ask both again", ("Alt+Left",),
        "conversation reference", only_here=True,
    ),
    "tuned": _compare(
        "compare.go-on-tuned", "Go on from here", "Answer the tuned policy, and ask both again", ("Alt+Right",),
        "conversation tuned", only_here=True,
    ),
}  # fmt: skip
TALK = talk_actions("compare", TabId.COMPARE, PageId.SIDE_BY_SIDE, writer="The tuned policy")

ACTIONS = (
    POLICY, CHECKPOINT, PROMPT, ANSWER, HELD_OUT, PAST, RESUME, BACK, TO_TALK, SHOW_MORE, *GO_ON.values(), *TALK,
    *arena.ACTIONS,
)  # fmt: skip
