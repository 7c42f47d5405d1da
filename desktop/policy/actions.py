"""What can be done on the tab that tunes the policy."""

from functools import partial

from core.config.training import ALGORITHMS, TrainPolicyConfig
from desktop.actions import Action, settings_of
from desktop.places import PageId, TabId

_tune = partial(Action, tab=TabId.TUNE)
_slider = partial(Action, tab=TabId.TUNE, page=PageId.SLIDER)

ALGORITHM = _tune("tune.algorithm", "Algorithm", field=True)
SETTINGS = settings_of(TrainPolicyConfig, "tune", TabId.TUNE, leave_out=("algorithm",))
MORE = _tune("tune.more", "More settings")
#: The settings of each algorithm, which stand there while it is chosen.
OWN = {
    kind.name: settings_of(kind.config, f"tune.{kind.name}", TabId.TUNE, only_here=True) for kind in ALGORITHMS.values()
}
MORE_OF = {
    kind.name: _tune(f"tune.more-{kind.name}", f"More settings of {kind.title}", only_here=True)
    for kind in ALGORITHMS.values()
}
START = _tune(
    "tune.start",
    "Start",
    "Queue a run with these settings",
    ("Ctrl+Return",),
    keywords="PPO RL policy",
    role="primary",
)
SWEEP = _tune("tune.sweep", "Sweep …", "Queue a run for every combination of a few settings", ("Ctrl+Shift+Return",))
PAUSE = _tune("tune.pause", "Pause", only_here=True)
RESUME = _tune("tune.resume", "Resume", only_here=True)
STOP = _tune("tune.stop", "Stop", "Stops after this step; Resume goes on later", only_here=True)
STOP_NOW = _tune(
    "tune.stop-now", "Stop now", "Without waiting for the step; Resume goes on from the last checkpoint", only_here=True
)
APPLY = _tune("tune.apply", "Apply", "In force from the next step, and kept with the run", only_here=True)
GO_ON = _tune(
    "tune.go-on",
    f"Go on to {TabId.COMPARE.label}",
    "Read both policies side by side",
    role="link",
    only_here=True,
)
RANK_OWN = _tune(
    "tune.rank",
    "Rank what it writes",
    "Begin the next round: let this policy write completions in the Rank tab",
    role="link",
)
BEGIN_FROM = _tune(
    "tune.begin-from",
    "Begin from it",
    "Put this run into Start from: the next one goes on from its policy, and its KL is measured to it",
    role="link",
    only_here=True,
)
EXPORT = _tune(
    "tune.export",
    "Export model …",
    "Write this policy as a model of its own, the adapter merged into the weights",
    role="link",
)
TAKE_OVER = _tune(
    "tune.take-over",
    "Use its settings",
    "Put this run's settings into the fields at the left",
    role="link",
    only_here=True,
)
SLIDE_PROMPT = _slider("tune.slide-prompt", "Prompt of the slider", field=True)
SLIDE_TEXT = _slider("tune.slide-text", "Prompt to answer at each checkpoint", field=True)
SLIDE_WRITE = _slider(
    "tune.slide-write", "Answer it", "Let the policy answer the prompt at each checkpoint that is kept"
)
SLIDE_HELD_OUT = _slider(
    "tune.slide-held-out", "Answer held-out prompts", "Let the policy answer them at each checkpoint that is kept"
)
SLIDE_PLAY = _slider("tune.slide-play", "Play", "Step after step by itself; Space starts and stops it", only_here=True)
PRESENT = _slider(
    "tune.present",
    "Present",
    "In large letters on the whole screen, for a room",
    keywords="slider show full screen",
)

REPLAY = _tune(
    "tune.replay",
    "Replay",
    "Show this run once more from its first step, in half a minute; nothing is computed or written",
    keys=("Ctrl+F5",),
    keywords="recorded live demo again",
    only_here=True,
)
END_REPLAY = _tune("tune.end-replay", "Stop the replay", "Show the run as it is", only_here=True)

_frontier = partial(Action, tab=TabId.TUNE, page=PageId.FRONTIER)
FRONTIER_AXIS = _frontier("frontier.axis", "What is drawn over the KL", field=True, only_here=True)
FRONTIER_MEASURE = _frontier(
    "frontier.measure",
    "Measure what is missing",
    "Let the reference and each kept checkpoint that was not yet measured answer the held-out prompts",
    keywords="best of n over-optimisation",
)
FRONTIER_ANSWERS = _frontier(
    "frontier.answers", "Answers of the reference to each prompt", "The best of up to so many is known then",
    field=True, only_here=True,
)  # fmt: skip
FRONTIER_COMPARE = _frontier(
    "frontier.compare", "Compare", "Read what this checkpoint answers beside the reference", role="link", only_here=True
)
FRONTIER_RANK = _frontier(
    "frontier.rank", "Rank what it writes", "Let this checkpoint write completions in the Rank tab", role="link",
    only_here=True,
)  # fmt: skip
FRONTIER_EXPORT = _frontier(
    "frontier.export", "Export …", "Write this checkpoint as a model of its own", role="link", only_here=True
)

ACTIONS = (
    ALGORITHM, *SETTINGS.values(), MORE, *(action for own in OWN.values() for action in own.values()),
    *MORE_OF.values(), START, SWEEP, PAUSE, RESUME, STOP, STOP_NOW, APPLY, GO_ON, RANK_OWN, BEGIN_FROM, EXPORT,
    TAKE_OVER, FRONTIER_AXIS, FRONTIER_MEASURE, FRONTIER_ANSWERS, FRONTIER_COMPARE, FRONTIER_RANK, FRONTIER_EXPORT,
    SLIDE_PROMPT, SLIDE_TEXT, SLIDE_WRITE, SLIDE_HELD_OUT, SLIDE_PLAY, PRESENT, REPLAY, END_REPLAY,
)  # fmt: skip
