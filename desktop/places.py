"""The tabs and their pages: what they are known by, and the one place where their titles stand."""

from dataclasses import dataclass, field
from enum import StrEnum


class TabId(StrEnum):
    """The tabs, in the order of the loop; settings keep these words."""

    INSTRUCTIONS = "instructions"
    RANK = "rank"
    REVIEW = "review"
    REWARD = "reward"
    TUNE = "tune"
    COMPARE = "compare"

    @property
    def label(self) -> str:
        return INFO[self].title


class PageId(StrEnum):
    """Pages of tabs, and the panels beside the cards of the Rank tab."""

    GUIDELINES = "guidelines"
    PROMPTS = "prompts"
    GENERATE = "generate"
    RULES = "rules"
    HISTORY = "history"
    SESSION = "session"
    PAIRS = "pairs"
    AGREEMENT = "agreement"
    BIAS = "bias"
    LABELERS = "labelers"
    TRAIN = "train"
    REPORT = "report"
    TRY_IT = "try-it"
    SAMPLES = "samples"
    SLIDER = "slider"
    MORE_CHARTS = "more-charts"
    RUNS = "runs"
    SIDE_BY_SIDE = "side-by-side"
    ARENA = "arena"
    VOTE = "vote"
    STANDINGS = "standings"
    FRONTIER = "frontier"

    @property
    def label(self) -> str:
        return PAGE_TITLES[self]


PAGE_TITLES = {
    PageId.GUIDELINES: "Guidelines",
    PageId.PROMPTS: "Prompts",
    PageId.GENERATE: "Generate",
    PageId.RULES: "Guidelines",
    PageId.HISTORY: "History",
    PageId.SESSION: "Session",
    PageId.PAIRS: "Pairs",
    PageId.AGREEMENT: "Agreement",
    PageId.BIAS: "Bias",
    PageId.LABELERS: "Labelers",
    PageId.TRAIN: "Train",
    PageId.REPORT: "Report",
    PageId.TRY_IT: "Try it",
    PageId.SAMPLES: "Samples",
    PageId.SLIDER: "Slider",
    PageId.MORE_CHARTS: "More charts",
    PageId.RUNS: "Runs",
    PageId.SIDE_BY_SIDE: "Side by side",
    PageId.ARENA: "Arena",
    PageId.VOTE: "Vote",
    PageId.STANDINGS: "Results",
    PageId.FRONTIER: "Frontier",
}


@dataclass(frozen=True)
class TabInfo:
    """What is known of a tab before it is built. `guide` is its page of the guide, `pages` are in the order in which
    they are shown, and `keywords` are other words by which it is looked for."""

    id: TabId
    title: str
    icon: str
    tip: str
    guide: str = "loop"
    pages: tuple[PageId, ...] = field(default=())
    keywords: str = ""


TABS: tuple[TabInfo, ...] = (
    TabInfo(
        TabId.INSTRUCTIONS,
        "Instructions",
        "instructions",
        "What a good answer is, and what is asked",
        "labeling",
        (PageId.GUIDELINES, PageId.PROMPTS),
    ),
    TabInfo(TabId.RANK, "Rank", "rank", "Put completions in order", "labeling"),
    TabInfo(
        TabId.REVIEW,
        "Review",
        "review",
        "The pairs, whether labelers agree, and who ranks what",
        "labeling",
        (PageId.PAIRS, PageId.AGREEMENT, PageId.BIAS, PageId.LABELERS),
    ),
    TabInfo(
        TabId.REWARD,
        "Reward model",
        "reward",
        "Learn a reward from the rankings",
        "reward",
        (PageId.TRAIN, PageId.REPORT, PageId.TRY_IT),
    ),
    TabInfo(
        TabId.TUNE,
        "Tune",
        "policy",
        "Tune the policy against the reward",
        "policy",
        (PageId.SAMPLES, PageId.SLIDER, PageId.MORE_CHARTS, PageId.RUNS, PageId.FRONTIER),
        "PPO RL policy algorithm reinforcement learning",
    ),
    TabInfo(
        TabId.COMPARE,
        "Compare",
        "compare",
        "Policies beside each other, and blind votes on their answers",
        "compare",
        (PageId.SIDE_BY_SIDE, PageId.ARENA, PageId.VOTE, PageId.STANDINGS),
        "blind vote Bradley-Terry Elo judge",
    ),
)
INFO = {info.id: info for info in TABS}

#: What settings of earlier versions call the tabs.
EARLIER = {
    "Instructions": TabId.INSTRUCTIONS,
    "Rank": TabId.RANK,
    "Review": TabId.REVIEW,
    "Reward model": TabId.REWARD,
    "PPO": TabId.TUNE,
    "Compare": TabId.COMPARE,
}


def kept_tab(kept: str) -> TabId | None:
    """The tab that a setting names, by its id or by a title that it had once; None for anything else."""
    return TabId(kept) if kept in set(TabId) else EARLIER.get(kept)
