"""What can be done on the Reward model tab."""

from functools import partial

from core.config.training import TrainRewardConfig
from desktop.actions import Action, settings_of
from desktop.conversation.talk_actions import talk_actions
from desktop.places import PageId, TabId

_train = partial(Action, tab=TabId.REWARD, page=PageId.TRAIN)
_report = partial(Action, tab=TabId.REWARD, page=PageId.REPORT)
_try = partial(Action, tab=TabId.REWARD, page=PageId.TRY_IT)

SETTINGS = settings_of(TrainRewardConfig, "reward", TabId.REWARD, PageId.TRAIN)
MORE = _train("reward.more", "More settings")
TRAIN = _train("reward.train", "Train reward model", "Learn from all pairs", ("Ctrl+Return",), role="primary")
GO_ON = _train(
    "reward.go-on", f"Go on to {TabId.TUNE.label}", "Tune the policy against this reward model", only_here=True
)

EXPORT = _report("report.export", "Export …", "One HTML page, Markdown with plots, or JSON")
SHOWN = _report("report.run", "Reward model", field=True, only_here=True)

RUN = _try("try-it.run", "Reward model", field=True, only_here=True)
ELSEWHERE = _try("try-it.elsewhere", "Reward model made elsewhere", field=True)
EXAMPLE = _try("try-it.example", "Take a prompt of this project", "With some of its completions", only_here=True)
SCORE = _try("try-it.score", "Score", role="primary")
SCORE_FILE = _try("try-it.file", "Score a file …", "JSON lines, or any preference format")
SUGGEST = _try(
    "try-it.suggest",
    "Label next what it doubts",
    "Bring the unranked prompts that this reward model is least sure of to the front of the Rank queue",
)
GO_ON_FROM = _try(
    "try-it.go-on", "Go on from here", "Answer the chosen completion, and score what comes next", ("Alt+Right",),
    "conversation", only_here=True,
)  # fmt: skip
TALK = talk_actions("try-it", TabId.REWARD, PageId.TRY_IT, writer="The base model")
USUAL_ORDER = _try("try-it.usual", "Usual order", "Rank in the usual order again", role="link", only_here=True)

ACTIONS = (
    *SETTINGS.values(), MORE, TRAIN, GO_ON, EXPORT, SHOWN, RUN, ELSEWHERE, EXAMPLE, SCORE, SCORE_FILE, GO_ON_FROM,
    *TALK, SUGGEST, USUAL_ORDER,
)  # fmt: skip
