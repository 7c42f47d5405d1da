"""What can be done on the Instructions tab."""

from functools import partial

from desktop.actions import Action
from desktop.places import PageId, TabId

_guidelines = partial(Action, tab=TabId.INSTRUCTIONS, page=PageId.GUIDELINES)
_prompts = partial(Action, tab=TabId.INSTRUCTIONS, page=PageId.PROMPTS)

USE_TEMPLATE = _guidelines("guidelines.template", "Use a template")
DISCARD = _guidelines("guidelines.discard", "Discard changes", role="link", only_here=True)
PUT_BACK = _guidelines("guidelines.put-back", "Put back what was there", role="link", only_here=True)
SAVE_VERSION = _guidelines(
    "guidelines.save", "Save version", "Keep this as a new version", ("Ctrl+S",), role="primary", only_here=True
)
RANK_AGAIN = _guidelines(
    "guidelines.rank-again",
    "Rank again",
    "They come back in their labelers' queues. The earlier rankings count until the new ones are made.",
    role="link",
    only_here=True,
)
VERSION = _guidelines(
    "guidelines.version",
    "Version",
    "What is shown below: the text in the editors, or a version that was saved.",
    field=True,
)
RESTORE = _guidelines("guidelines.restore", "Restore", "Put this version into the editors", only_here=True)

OPEN_POINT = _guidelines("guidelines.point", "Go to what is missing", only_here=True)

SEARCH = _prompts("prompts.search", "Search prompts and tags", keys=("Ctrl+F",), field=True)
FILTER = _prompts("prompts.filter", "Which prompts", field=True, only_here=True)
ADD = _prompts("prompts.add", "Add", "Put them into the project", ("Ctrl+Return",), role="primary")
IMPORT = _prompts("prompts.import", "Import …", "A file of prompts: text, JSON lines, CSV …")
WRITE_TALK = _prompts(
    "prompts.write",
    "Write a conversation …",
    "Turns by the system, the user, the assistant and tools, of which the user's is the last",
    role="link",
)
CHANGE_TURNS = _prompts("prompts.turns", "Change the turns …", "One by one, by who speaks", role="link", only_here=True)
MAKE_TALK = _prompts("prompts.make-talk", "Make it a conversation …", role="link", only_here=True)
ADD_TALK = Action("talk.add", "Add", "Make it a prompt", ("Ctrl+Return",), role="primary", only_here=True)
SAVE_TALK = Action("talk.save", "Save", "Make it the prompt", ("Ctrl+S",), role="primary", only_here=True)
AS_NEW = Action(
    "talk.as-new", "Add it as a new prompt", "The prompt with its completions stays as it is", only_here=True
)
DISCARD_TALK = Action("talk.discard", "Discard what you typed …", role="link", only_here=True)
LOOK_AT_UNSURE = _prompts(
    "prompts.unsure", "Look at them …", "Each as one text and as turns, to say which it is", role="link", only_here=True
)
ARE_TURNS = Action("unsure.turns", "These are turns", only_here=True)
ARE_TEXT = Action("unsure.text", "It is one text", only_here=True)
ONE_PROMPT = _prompts(
    "prompts.one", "One prompt", "Keep the line breaks instead of making a prompt of each line.", only_here=True
)
SHARE = _prompts("prompts.share", "Share of prompts to hold out", field=True)
HOLD_OUT = _prompts(
    "prompts.hold-out",
    "Hold out",
    "Marks this share of all prompts as held-out, evenly spread: they only test, they never teach.",
)
FIND_DUPLICATES = _prompts("prompts.duplicates", "Find duplicates …")
USE_FOR = _prompts(
    "prompts.use", "Use for", "Training prompts teach; held-out prompts only test.", field=True, only_here=True
)
TAGS = _prompts("prompts.tags", "Tags", field=True, only_here=True)
SAVE = _prompts("prompts.save", "Save", only_here=True)
DELETE = _prompts("prompts.delete", "Delete", keys=("Delete",), only_here=True)

ACTIONS = (
    USE_TEMPLATE, DISCARD, PUT_BACK, SAVE_VERSION, RANK_AGAIN, VERSION, RESTORE, OPEN_POINT,
    SEARCH, FILTER, ADD, IMPORT, WRITE_TALK, ADD_TALK, SAVE_TALK, AS_NEW, DISCARD_TALK, CHANGE_TURNS, MAKE_TALK,
    LOOK_AT_UNSURE, ARE_TURNS, ARE_TEXT, ONE_PROMPT, SHARE, HOLD_OUT, FIND_DUPLICATES, USE_FOR, TAGS, SAVE, DELETE,
)  # fmt: skip
