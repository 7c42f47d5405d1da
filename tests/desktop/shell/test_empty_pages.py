"""Pages where there is nothing yet: what they say is true of the project that is open, and leads to what is there."""

import pytest
from PySide6.QtWidgets import QLabel

from core.labeling import gold
from core.records import NewRanking
from core.store import completions, guidelines, labelers, prompts, rankings
from desktop import user_settings
from desktop.background import busy
from desktop.places import PageId, TabId
from tests.desktop.shell.test_finding_the_way import finished


@pytest.fixture
def opened(open_window, qtbot):
    """Opens a project under the name of Ana, and returns a tab of it, once all is read."""
    user_settings.set_labeler_name("ana")
    window = open_window()

    def show(project, tab):
        if window.session is None:
            window.workspace.open(project.folder)
        found = window.open_tab(tab)
        qtbot.waitUntil(lambda: not busy())
        return found

    return show


def rank(project, group, name="ana", flag=None):
    ranks = {item: place for place, item in enumerate(completions.ids(project, group), 1)}
    rankings.add(project, NewRanking(group, labelers.named(project, name).id, ranks, flag))


def test_an_empty_project_is_told_what_comes_first(project, opened):
    generate = opened(project, TabId.RANK).side.generate
    generate.refresh()
    assert generate.about.text().startswith("There is no prompt to answer yet") and not generate.generate.isEnabled()
    tune = opened(project, TabId.TUNE)
    assert tune.empty.text.text().startswith("Train a reward model first, then start a run here")
    title = next(each for each in tune.findChildren(QLabel) if each.text() == "Tune")
    assert tune.note.geometry().left() - title.geometry().right() < 60, "what it works with stands beside its name"
    assert opened(project, TabId.REWARD).playground.said.text() == "", "there is no reward to explain"


def test_what_scripts_ranked_is_not_called_a_ranking_of_yours(filled, opened):
    gold.rank_all(filled, "length")
    review = opened(filled, TabId.REVIEW)
    review.show_page(PageId.AGREEMENT)
    page = review.agreement
    assert page.rank.isVisible() and "It needs a ranking of yours first" in page.calibration_text.text()
    assert page.worst_title.text() == "Where labelers disagree most"


@pytest.mark.parametrize(
    ("ranked", "flag", "advice", "text"),
    [
        (1, "broken", "What is ranked gives no pair", "Rank some prompts, then train."),
        (1, None, "19 more ranked prompts", "Rank more prompts, or train already with the button at the left."),
        (6, None, "It can be trained now", "Train it now with the button at the left, or add prompts."),
    ],
)
def test_the_page_of_a_reward_model_says_what_the_rankings_are_good_for(
    filled, opened, qtbot, ranked, flag, advice, text
):
    for group in completions.group_ids(filled)[:ranked]:
        rank(filled, group, flag=flag)
    page = opened(filled, TabId.REWARD).training
    qtbot.waitUntil(lambda: page.advice.text().startswith(advice) and page.empty.text.text().startswith(text))
    assert page.train.isEnabled() == (flag is None)


def test_a_tuned_policy_is_compared_on_what_there_is(filled, opened):
    finished(filled, "train-policy", adapter="runs/1/x")
    compare = opened(filled, TabId.COMPARE)
    assert compare.empty.text.text().endswith("or let both answer the held-out prompts.")
    for prompt in prompts.listed(filled, split="heldout"):
        prompts.edit(filled, prompt.id, split="train")
    compare.refresh(None)
    assert compare.empty.text.text() == "Type any prompt to see what tuning changed."


def test_guidelines_without_a_word_are_none(project, opened):
    guidelines.save(project, criteria=" ", ties="", flags="", examples="")
    rank = opened(project, TabId.RANK)
    rank.show_panel("rules")
    rules = rank.side.rules
    assert "No guidelines are written yet" in rules.version.text() and not rules.text.isVisible()
