"""What is sent to Rank from where answers are seen: what becomes of it, where it stands, and who wrote it."""

import json
from contextlib import closing

import pytest

from core import cli
from core.config.jobs import CompareConfig, GenerateConfig, JobKind
from core.config.scoring import ScoreConfig
from core.config.training import LENGTH, TrainPolicyConfig
from core.conversation import Conversation, Message
from core.errors import BadInput
from core.events import Completions, NewCompletion, Sample
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import sending
from core.labeling.session import LabelingSession
from core.labeling.standing import Place, Standing, standing
from core.records import NewRanking, Prompt
from core.runs import dependents
from core.store import assignments, calibration, completions, labelers, open_project, prompts, rankings
from core.store.runs import job_samples
from core.store.undo import History
from core.store.undo.steps import Refused
from tests.jobs import add_job, set_job

TALK = Conversation((Message("user", "Hi"), Message("assistant", "Hello!"), Message("user", "Who?")))


def compared(project, *answers, asked=(TALK,), tokens=3, **config):
    """A comparison whose sides gave the answers: for each conversation one of the reference, one of the tuned."""
    run = add_job(project, TrainPolicyConfig())
    conversations = tuple(each.key for each in asked)
    job = add_job(project, CompareConfig(policy_job=run.id, conversations=conversations, **config), status="done")
    for side, start in (("reference", 0), ("tuned", 1)):
        rows = [
            Sample(each.text, text, side, tokens=tokens) for each, text in zip(asked, answers[start::2], strict=True)
        ]
        job_samples.add(project, job.id, 0, rows)
    return queue.get(project, job.id)


def test_two_answers_become_a_prompt_of_several_turns_whose_completions_keep_who_wrote_them(filled):
    job = compared(filled, "base", "tuned", checkpoint="best", temperature=0.5, seed=7)
    (answered,) = sending.of_comparison(filled, job)
    sent = sending.send(filled, answered)
    group = completions.group(filled, sent.group_id)
    assert group.prompt.conversation == TALK and group.prompt.split == "train"
    run = job.config.policy_job
    assert [(item.text, item.policy_job, item.ended, item.tokens) for item in group.completions] == [
        ("base", None, True, 3), ("tuned", run, True, 3)
    ]  # fmt: skip
    assert completions.writers(filled)[sent.group_id] == [None, run]
    assert "wrote 1 completions" in dependents.why_kept(filled, set_job(filled, run, status="done"))
    (how,) = set(filled.database.column("select sampling from completions where group_id = ?", sent.group_id))
    assert json.loads(how) == {
        "temperature": 0.5, "top_p": 1.0, "max_new_tokens": LENGTH, "checkpoint": "best", "compared": job.id
    }  # fmt: skip


def test_an_answer_of_the_greatest_length_counts_as_cut_off(filled):
    (answered,) = sending.of_comparison(filled, compared(filled, "a", "b", tokens=6, max_new_tokens=6))
    group = sending.send(filled, answered).group_id
    assert not any(item.ended for item in completions.group(filled, group).completions)


def test_it_is_ranked_before_all_else_by_whoever_ranks_and_by_whoever_ranks_already(filled):
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    session.open_next()
    (answered,) = sending.of_comparison(filled, compared(filled, "a", "b"))
    sent = sending.send(filled, answered)
    session.reload()
    assert (session.group.id, session.queue.first) == (1, sent.group_id), "what is on the table stays there"
    other = LabelingSession(filled, labelers.named(filled, "Bo"))
    assert list(other.queue) == [sent.group_id, 1, 2, 3, 4, 5, 6]
    session.editor.open(sent.group_id)
    session.skip()
    session.reload()
    assert list(session.queue)[-1] == sent.group_id, "what was put off stays there"


def test_a_calibration_set_still_comes_before_it(filled):
    author = labelers.named(filled, "Author")
    key = rankings.add(filled, NewRanking(4, author.id, dict.fromkeys(completions.ids(filled, 4), 1))).ids[0]
    calibration.add(filled, key)
    session = LabelingSession(filled, labelers.named(filled, "New"))
    (answered,) = sending.of_comparison(filled, compared(filled, "a", "b"))
    sent = sending.send(filled, answered).group_id
    session.reload()
    again = LabelingSession(filled, labelers.named(filled, "New"))
    assert [list(each.queue)[:3] for each in (session, again)] == [[4, sent, 1]] * 2


def test_what_is_there_already_is_found_again_and_what_says_the_same_is_no_question(filled):
    text = prompts.get(filled, 2).text
    job = compared(filled, "a", "b", asked=(Conversation.of_text(text),))
    (answered,) = sending.of_comparison(filled, job)
    first, again = sending.send(filled, answered), sending.send(filled, answered)
    assert (first.prompt_id, again.group_id) == (2, first.group_id)
    assert (first.changes.tables >= {"completions"}, again.changes.tables) == (True, frozenset())
    assert "prompts" not in first.changes.tables
    (same,) = sending.of_comparison(filled, compared(filled, "a", "a"))
    with pytest.raises(BadInput, match="no two different answers"):
        sending.send(filled, same)


def test_each_question_of_a_comparison_has_its_own_answers_even_where_two_read_the_same(filled):
    twin = Conversation.of_text(TALK.text)
    found = sending.of_comparison(filled, compared(filled, "a", "b", "c", "d", asked=(TALK, twin)))
    assert [(each.conversation, [answer.text for answer in each.answers]) for each in found] == [
        (TALK, ["a", "b"]), (twin, ["c", "d"])
    ]  # fmt: skip


def test_held_out_prompts_stay_held_out_and_those_that_are_gone_are_left_out(filled):
    held = prompts.listed(filled, split="heldout")
    run = add_job(filled, TrainPolicyConfig())
    job = add_job(filled, CompareConfig(policy_job=run.id), status="done")
    for side in ("reference", "tuned"):
        rows = [Sample(prompt.text, f"{side} {prompt.id}", side, prompt.id) for prompt in held]
        job_samples.add(filled, job.id, 0, rows)
    prompts.delete(filled, [held[0].id])
    (answered,) = sending.of_comparison(filled, job)
    assert completions.group(filled, sending.send(filled, answered).group_id).prompt == held[1]


def test_undo_takes_it_back_until_it_was_ranked(filled):
    history = History(filled)
    before = (prompts.count(filled), completions.count(filled))
    (answered,) = sending.of_comparison(filled, compared(filled, "a", "b"))
    history.mark(sending.send(filled, answered).changes)
    history.undo()
    assert (prompts.count(filled), completions.count(filled)) == before
    history.redo()
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    session.open_next()
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    session.save()
    with pytest.raises(BadInput, match="other work builds on it"):
        history.undo()


def test_scored_texts_are_their_writers_own(filled):
    config = ScoreConfig(conversation=TALK.key, completions=("mine", "yours", "mine"))
    job = add_job(filled, config, status="done")
    sent = sending.send(filled, sending.of_scoring(job), "Ana")
    group = completions.group(filled, sent.group_id)
    assert group.prompt.conversation == TALK
    assert [item.origin for item in group.completions] == ["Written by hand by Ana"] * 2
    assert not [each for each in completions.written_here(filled, 99) if each.group_id == sent.group_id]


def test_answers_to_be_ranked_are_not_those_that_were_there_by_another_way(filled):
    job = compared(filled, "a", "b")
    number = prompts.add(filled, [Prompt.of(TALK)]).ids[0]
    there = completions.add_group(filled, number, tuple(NewCompletion(text, 3, True, 0) for text in "ab"))
    (answered,) = sending.of_comparison(filled, job)
    sent = sending.send(filled, answered)
    assert sent.group_id != there and standing(filled, sent.group_id, "Ana") == Standing(Place.QUEUE)
    assert LabelingSession(filled, labelers.named(filled, "Ana")).queue.first == sent.group_id


def test_who_looks_at_what_was_scored_is_no_labeler_until_it_is_sent(filled):
    job = add_job(filled, ScoreConfig(conversation=TALK.key, completions=("a", "b")), status="done")
    found = sending.of_scoring(job)
    assert labelers.find(filled, "Ana") is None and found.typed
    history = History(filled)
    history.mark(sending.send(filled, found, "Ana").changes)
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    session.editor.open(1)
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    session.save()
    history.undo()
    assert prompts.id_of(filled, TALK) is None, "what its writer ranked besides stays, and does not hold it"


def test_where_answers_stand_for_who_sent_them(filled):
    (answered,) = sending.of_comparison(filled, compared(filled, "a", "b"))
    sent = sending.send(filled, answered).group_id
    assert standing(filled, sent, "Nobody yet") == Standing(Place.QUEUE, 0)
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    (other,) = sending.of_comparison(filled, compared(filled, "c", "d"))
    sending.send(filled, other)
    assert standing(filled, sent, "Ana") == Standing(Place.QUEUE, 1), "what was sent last comes first"
    skipping = assignments.skip(filled, session.labeler.id, sent)
    assert standing(filled, sent, "Ana") == Standing(Place.SKIPPED) and skipping
    assignments.unskip(filled, session.labeler.id)
    rankings.add(filled, NewRanking(sent, session.labeler.id, dict.fromkeys(completions.ids(filled, sent), 1)))
    assert standing(filled, sent, "Ana") == Standing(Place.RANKED)
    assignments.assign(filled, [labelers.named(filled, "Bo").id], 1)
    assert standing(filled, sent, "Cleo") == Standing(Place.OTHERS)
    labelers.named(filled, "Cleo")
    assert standing(filled, sent, "Cleo") == Standing(Place.OTHERS)


def wanted(project, **changes):
    return sending.more(project, TALK, GenerateConfig(max_new_tokens=6, **changes))


def written(project, config):
    """The job that writes two more, done."""
    job = add_job(project, config)
    rows = tuple(NewCompletion(f"{job.id}/{number}", 1, True, 0) for number in range(2))
    Recorder(project, job.id).record(Completions(config.prompt_ids[0], rows, {}))
    return set_job(project, job.id, status="done")


def test_two_more_are_written_anew_each_time_and_ranked_first(filled):
    changes, config = wanted(filled)
    assert prompts.get(filled, config.prompt_ids[0]).conversation == TALK and "prompts" in changes.tables
    written(filled, config)
    again, other = wanted(filled)
    assert (again.tables, other.prompt_ids) == (frozenset(), config.prompt_ids)
    assert other.seed != config.seed
    second = written(filled, other)
    queue_of = list(LabelingSession(filled, labelers.named(filled, "Ana")).queue)
    assert queue_of[0] == completions.groups_of_job(filled, second.id)[0]
    assert queue_of[2:] == [1, 2, 3, 4, 5, 6]


def test_two_more_are_taken_back_with_what_was_written_unless_it_was_ranked(filled):
    changes, config = wanted(filled)
    waiting = add_job(filled, config)
    sending.take_back(filled, changes, TALK, waiting.id)
    assert queue.get(filled, waiting.id).status == "stopped"
    assert prompts.id_of(filled, TALK) is None
    changes, config = wanted(filled)
    job = written(filled, config)
    filled.set_setting(f"draft/conversation/{changes.ids[0]}", TALK.data())
    with pytest.raises(Refused):
        sending.take_back(filled, changes, TALK, job.id)
    assert completions.groups_of_job(filled, job.id)
    filled.database.execute("delete from settings where key like 'draft/%'")
    set_job(filled, job.id, status="running")
    with pytest.raises(BadInput, match="being written"):
        sending.take_back(filled, changes, TALK, job.id)
    set_job(filled, job.id, status="done")
    session = LabelingSession(filled, labelers.named(filled, "Ana"))
    session.open_next()
    session.editor.set_comment("hard to say")
    with pytest.raises(Refused):
        sending.take_back(filled, changes, TALK, job.id)
    session.editor.set_comment("")
    session.editor.answers.keep(session.group.id, 0, "mine")
    with pytest.raises(Refused):
        sending.take_back(filled, changes, TALK, job.id)
    session.editor.change(session.ordering.place_last(session.ordering.shown[0]))
    session.save()
    with pytest.raises(Refused):
        sending.take_back(filled, changes, TALK, job.id)
    assert completions.groups_of_job(filled, job.id)


def test_the_command_sends_every_answer_of_a_job(filled, capsys):
    twin = Conversation.of_text("Hey")
    job = compared(filled, "a", "b", "same", "same", asked=(TALK, twin))
    other = add_job(filled, GenerateConfig(), status="done")
    filled.close()
    folder = str(filled.folder)
    assert cli.run(["send-to-rank", folder, str(job.id), "--json"]) == 0
    (sent,) = json.loads(capsys.readouterr().out.splitlines()[-1])["sent"]
    with closing(open_project(filled.folder)) as project:
        assert prompts.get(project, sent["prompt"]).conversation == TALK
        assert LabelingSession(project, labelers.named(project, "me")).queue.first == sent["group"]
    assert cli.run(["send-to-rank", folder, str(other.id)]) == 2
    assert "compared or scored" in capsys.readouterr().err


def test_a_job_answers_the_prompts_that_it_is_given_by_number(asking, run_job):
    config = GenerateConfig(prompt_ids=(3, 99), completions=2, max_new_tokens=4)
    job = run_job(asking, JobKind.GENERATE, config)
    assert job.status == "done", job.report or job.error
    assert completions.prompts_of_job(asking, job.id) == {3}
    nowhere = run_job(asking, JobKind.GENERATE, GenerateConfig(prompt_ids=(99,)))
    assert (nowhere.status, "None of the prompts" in nowhere.error) == ("failed", True)
