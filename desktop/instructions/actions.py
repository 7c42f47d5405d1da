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
IMPORT_FROM_HUB = _prompts(
    "prompts.import-hub",
    "Import from a hub …",
    "Prompts of a data set, which a hub is asked for",
    keywords="dataset",
    role="link",
)
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
    SEARCH, FILTER, ADD, IMPORT, IMPORT_FROM_HUB, ONE_PROMPT, SHARE, HOLD_OUT, FIND_DUPLICATES, USE_FOR, TAGS, SAVE,
    DELETE,
)  # fmt: skip
