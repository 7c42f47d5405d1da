"""What can be done on the Review tab."""

from functools import partial

from desktop.actions import Action
from desktop.places import PageId, TabId

_pairs = partial(Action, tab=TabId.REVIEW, page=PageId.PAIRS)
_agreement = partial(Action, tab=TabId.REVIEW, page=PageId.AGREEMENT)
_bias = partial(Action, tab=TabId.REVIEW, page=PageId.BIAS)
_labelers = partial(Action, tab=TabId.REVIEW, page=PageId.LABELERS)

IMPORT = _pairs("pairs.import", "Import …", "Rankings from a file: Plumbline, TRL, HH, Argilla, Label Studio …")
IMPORT_FROM_HUB = _pairs(
    "pairs.import-hub", "Import from a hub …", "Rankings of a data set, which a hub is asked for", keywords="dataset"
)
EXPORT = _pairs("pairs.export", "Export …", "Rankings or pairs for other programs")
SEARCH = _pairs("pairs.search", "Search prompts", field=True)
DISTANCE = _pairs(
    "pairs.distance", "Least distance of the ranks", "How far apart the two ranks are at least.", field=True
)
#: What the pairs are filtered by.
#: Labelers, and tags, that can be chosen from: those of which there is most.
CHOICES = 300
FILTERS = {
    "labeler_id": _pairs("pairs.labeler", "Who ranked", field=True),
    "version": _pairs("pairs.version", "Version of the guidelines", field=True, only_here=True),
    "tag": _pairs("pairs.tag", "Tag of the prompt", field=True),
    "split": _pairs("pairs.split", "Use of the prompt", field=True),
    "criterion": _pairs("pairs.criterion", "Criterion whose order the pairs follow from", field=True, only_here=True),
}

PEOPLE_ONLY = _agreement("agreement.people", "People only", "Leave simulated labelers and judges out.")
ADD_NEWEST = _agreement("agreement.add", "Add my newest ranking", "The last prompt that you ranked becomes part of it.")
ADJUDICATE = _agreement(
    "agreement.adjudicate",
    "Adjudicate",
    "Rank it yourself: your order then counts instead of theirs.",
    only_here=True,
)
TAKE_OUT = _agreement("agreement.take-out", "Take out", role="link", only_here=True)

LABELER = _bias("bias.labeler", "Labeler", field=True)

NAME = _labelers("labelers.name", "Name of a new labeler", field=True)
ADD = _labelers("labelers.add", "Add labeler")
OVERLAP = _labelers("labelers.overlap", "How many labelers rank each prompt", field=True)
SHARE_OUT = _labelers("labelers.share", "Share out", role="primary")
EVERYBODY = _labelers("labelers.everybody", "Everybody ranks everything", role="link", only_here=True)
MAKE_PACK = _labelers("labelers.pack", "Make a pack …", "For the labeler selected in the table")
PACK_ARENA = _labelers(
    "labelers.pack-arena", "Arena in a pack", "Its labeler votes in it, blind.", field=True, only_here=True
)
MAKE_PAGE = _labelers("labelers.page", "Make a page …", "Ranked in any browser, on a phone too, without Plumbline")
MERGE_PACK = _labelers("labelers.merge", "Merge …", "A pack that came back, or the answers of a page")
REPEAT = _labelers("labelers.repeat", "Mix in a repeat", field=True)
GOLD = _labelers("labelers.gold", "Gold reward", field=True)
PERSONALITY = _labelers("labelers.personality", "Personality", field=True)
NOISE = _labelers(
    "labelers.noise",
    "Noise (Bradley-Terry temperature)",
    "0 follows the gold reward exactly; more is noisier.",
    field=True,
    only_here=True,
)
LET_RANK = _labelers("labelers.simulate", "Let it rank")
JUDGE = _labelers("labelers.judge", "Who judges", field=True)
JUDGE_SERVER = _labelers("labelers.judge-server", "Address of the judge's server", field=True, only_here=True)
JUDGE_MODEL = _labelers(
    "labelers.judge-model", "The judge's model", "Empty is the only one that it has.", field=True, only_here=True
)
JUDGE_LOOK = _labelers("labelers.judge-look", "Look", "Ask the server which models it has.", only_here=True)
EXPLAIN = _labelers("labelers.explain", "It says why first", "The reasons are kept; it takes longer.", only_here=True)
JUDGE_LIMIT = _labelers("labelers.judge-limit", "At most this many prompts are judged", field=True)
LET_JUDGE = _labelers("labelers.let-judge", "Let a judge rank")

DECIDE = _labelers("labelers.decide", "Take this order", only_here=True)

ACTIONS = (
    IMPORT, IMPORT_FROM_HUB, EXPORT, SEARCH, DISTANCE, *FILTERS.values(), PEOPLE_ONLY, ADD_NEWEST, ADJUDICATE, TAKE_OUT,
    LABELER, NAME, ADD, OVERLAP, SHARE_OUT, EVERYBODY, MAKE_PACK, PACK_ARENA, MAKE_PAGE, MERGE_PACK, REPEAT, GOLD,
    PERSONALITY, NOISE, LET_RANK, JUDGE, JUDGE_SERVER, JUDGE_MODEL, JUDGE_LOOK, EXPLAIN, JUDGE_LIMIT, LET_JUDGE, DECIDE,
)  # fmt: skip
