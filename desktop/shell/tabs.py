"""The tabs, in the order of the loop. A tab is one module with a class `Tab(QWidget)`:

    def __init__(self, session): builds itself; shows what the project holds
    parts: may be an iterator that builds the rest, a part at each step, where all at once would hold up the window
    def refresh(self, changes): repaints what `changes` (None is everything) touched; called while it is seen

It is imported and built when it is first shown (`desktop/shell/tab_stack.py`), so that the first frame waits for none
of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TabKind:
    module: str
    title: str
    icon: str
    tip: str
    guide: str = "loop"


TABS: tuple[TabKind, ...] = (
    TabKind(
        "desktop.instructions.tab",
        "Instructions",
        "instructions",
        "What a good answer is, and what is asked",
        "labeling",
    ),
    TabKind("desktop.rank.tab", "Rank", "rank", "Put completions in order", "labeling"),
    TabKind(
        "desktop.review.tab", "Review", "review", "The pairs, whether labelers agree, and who ranks what", "labeling"
    ),
    TabKind("desktop.reward.tab", "Reward model", "reward", "Learn a reward from the rankings", "reward"),
    TabKind("desktop.policy.tab", "PPO", "policy", "Tune the policy against the reward", "policy"),
    TabKind("desktop.compare.tab", "Compare", "compare", "The reference beside the tuned policy"),
)
