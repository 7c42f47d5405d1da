"""What can be done on the Compare tab."""

from functools import partial

from desktop.actions import Action
from desktop.places import TabId

_compare = partial(Action, tab=TabId.COMPARE)

POLICY = _compare("compare.policy", "Tuned policy", field=True)
PROMPT = _compare("compare.prompt", "Prompt that both policies answer", field=True)
ANSWER = _compare("compare.answer", "Answer", role="primary")
HELD_OUT = _compare("compare.held-out", "Compare on the held-out prompts")
BACK = _compare("compare.back", "Show the held-out prompts", role="link", only_here=True)
SHOW_MORE = _compare("compare.more", "Show more", only_here=True)

ACTIONS = (POLICY, PROMPT, ANSWER, HELD_OUT, BACK, SHOW_MORE)
