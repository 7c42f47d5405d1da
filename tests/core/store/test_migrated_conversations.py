"""Projects from when a prompt was one text: what is turns for sure becomes turns, and all that hangs on it stays."""

import time
from contextlib import closing

import pytest

from core.conversation import Conversation, of_named_turns
from core.errors import BadInput
from core.records import Prompt
from core.store import chat_settings, create_project, named_turns, open_project, prompts
from core.store.schema import migrations

HUMAN = "Human: Hi\n\nAssistant: Hello!\n\nHuman: Who are you?"
AS_TURNS = [
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Who are you?"},
]  # fmt: skip
TEXTS = [
    "Hello",
    HUMAN,
    HUMAN.replace("Human", "User"),  # the same turns once more
    "User: Hi\n\nUser: Hello",
    'Write what follows "User: "',
    "System: Be brief.\n\nUser: Hi",
    "Act this.\n\nUser: a\n\nAssistant: b",
]
ANSWERED = (
    "insert into completion_groups (prompt_id, created_at) values (2, '2025'), (4, '2025')",
    "insert into completions (group_id, text) values (1, 'a'), (1, 'b'), (2, 'c')",
    "insert into labelers (name) values ('ada')",
    "insert into guidelines (criteria, ties, flags, examples, created_at) values ('', '', '', '', '1')",
    "insert into rankings (group_id, labeler_id, guidelines_id, created_at, uid) values (1, 1, 1, '1', 'x')",
    "insert into ranking_items (ranking_id, completion_id, rank) values (1, 1, 1), (1, 2, 2)",
    "insert into drafts (labeler_id, group_id, draft) values (1, 2, '{}')",
)


@pytest.fixture
def older(tmp_path, monkeypatch):
    def make(texts, created_at='"2024-02-29T12:00:00+00:00"'):
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "_migrations", migrations._migrations[:6])
            project = create_project(tmp_path / "older", "Old")
        with project.write() as database:
            database.execute("update settings set value = ? where key = 'created_at'", (created_at,))
            database.many("insert into prompts (text, created_at) values (?, '2025')", [(text,) for text in texts])
            for statement in ANSWERED:
                database.execute(statement)
        project.close()
        return tmp_path / "older"

    return make


def test_what_is_turns_for_sure_becomes_turns_and_the_rest_stays_and_is_listed(older):
    folder = older(TEXTS)
    with closing(open_project(folder)) as project:
        found = prompts.listed(project)
        assert [prompt.id for prompt in found] == [1, 2, 3, 4, 5, 6, 7]
        assert found[1].conversation.data() == AS_TURNS
        assert found[5].conversation.data()[0] == {"role": "system", "content": "Be brief."}
        assert [prompt.text for prompt in found if prompt.turns is None] == [TEXTS[at] for at in (0, 2, 3, 4, 6)]
        assert [prompt.id for prompt in named_turns.unsure(project)] == [3, 4, 7]
        tables = ("completions", "rankings", "ranking_items", "drafts")
        assert [project.database.value(f"select count(*) from {table}") for table in tables] == [3, 1, 2, 1]
        assert project.database.value("select count(*) from pairs where prompt_id = 2") == 1
        assert chat_settings.get(project).chat_date == "2024-02-29"
    assert [path.name for path in folder.glob("*before*")] == ["plumbline.before-m007_conversations.db"]


def test_a_person_takes_apart_what_was_answered_already_as_long_as_its_words_stay(older):
    with closing(open_project(older(TEXTS))) as project:
        two = Conversation.read([{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hello"}])
        with pytest.raises(BadInput, match="answer its old text"):
            prompts.edit(project, 4, conversation=Conversation.of_text("Hello"))
        prompts.edit(project, 4, conversation=two)
        assert prompts.get(project, 4).turns == two
        assert [prompt.id for prompt in named_turns.unsure(project)] == [3, 7]
        named_turns.settle(project)
        prompts.add(project, [Prompt(0, "User: a\n\nUser: b")])
        assert named_turns.unsure(project) == []


@pytest.mark.parametrize("created_at", ["3", '"yesterday"', '"2024-13-45T"', "{", ""])
def test_a_project_that_does_not_know_its_first_day_gets_todays(older, created_at):
    with closing(open_project(older([*TEXTS], created_at))) as project:
        assert chat_settings.get(project).chat_date == project.database.value("select date('now')")


@pytest.mark.slow
def test_fifty_thousand_prompts_take_seconds(older):
    texts = [f"{HUMAN} {number}" if number % 2 else f"{number} " + "word " * 200 for number in range(50_000)]
    folder, began = older(texts), time.perf_counter()
    with closing(open_project(folder)) as project:
        assert time.perf_counter() - began < 20
        assert prompts.get(project, 50_000).turns is not None and prompts.count(project) == 50_000


def test_a_person_says_which_texts_are_turns_some_at_a_time(project):
    texts = ["Log.\n\nUser: a\n\nAssistant: b\n\nUser: c", "User: a\n\nAssistant: b", "User: x\n\nUser: y"]
    prompts.add(project, [Prompt(0, text) for text in texts])
    project.set_setting("unsure_turns", [1, 2, 3, "4", None])
    found, why_not = named_turns.reading(prompts.get(project, 1))
    assert [(turn.role, turn.content) for turn in found.messages] == [
        ("system", "Log."), ("user", "a"), ("assistant", "b"), ("user", "c"),
    ]  # fmt: skip
    assert why_not == "" and "user's turn" in named_turns.reading(prompts.get(project, 2))[1]
    with pytest.raises(BadInput, match="Not one of them"):
        named_turns.split(project, [2])
    assert named_turns.split(project, [1, 2]).ids == (1,)
    assert prompts.get(project, 1).conversation == found and prompts.get(project, 2).turns is None
    assert [prompt.id for prompt in named_turns.unsure(project)] == [2, 3]
    named_turns.settle(project, [2])
    assert [prompt.id for prompt in named_turns.unsure(project)] == [3] and named_turns.any_unsure(project)
    named_turns.settle(project)
    assert named_turns.unsure(project) == [] and not named_turns.any_unsure(project)


def test_what_is_another_prompt_already_stays_a_text(project):
    text = "User: a\n\nAssistant: b\n\nUser: c"
    prompts.add(project, [Prompt(0, text), Prompt.of(of_named_turns(text))])
    with pytest.raises(BadInput, match="there already"):
        named_turns.split(project, [1])


@pytest.mark.parametrize("value", ["x", {"a": 1}, [None, "1", [2]], 7, True])
def test_a_list_that_no_plumbline_wrote_is_none(project, value):
    project.set_setting("unsure_turns", value)
    assert named_turns.unsure(project) == []
    named_turns.settle(project, [1])
