"""Conversations reach the model in its own template: as transformers puts them, and text stays text."""

import json
import threading
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core import cli
from core.config.chat import DEFAULT, Chat
from core.conversation import Conversation, Message
from core.errors import BadInput, ModelError
from core.machine import base_models
from core.machine.reading import Reader
from core.models import chat, fetch
from core.models.load import Base, load
from core.models.logprobs import predictions
from core.models.rows import from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.store import open_project
from tests.thorough import represented
from tests.tiny import make_tiny_model

CHATML = (
    "{% for m in messages %}<u>{{ m['role'] }}\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<u>assistant\n{% endif %}"
)
STRICT = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "<u>{{ m['content'] | trim }}</s>{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
)
PARTS = (
    "{% for m in messages %}<u>{{ m.role }}:{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"
)
DATED = "{{ strftime_now('%d %b %Y') }} {{ date_string }} {% for m in messages %}{{ m.content }}</s>{% endfor %}<a>"
THINKING = (
    "{% for m in messages %}<u>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<a>"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
#: Ends a turn with another token than the tokenizer's end.
OTHER_END = "{% for m in messages %}<u>{{ m.content }}<a>\n{% endfor %}{% if add_generation_prompt %}<u>{% endif %}"
TEMPLATES = {"chatml": CHATML, "strict": STRICT, "thinking": THINKING, "other end": OTHER_END}
THREE = Conversation((Message("user", "Hi"), Message("assistant", " Hello\n"), Message("user", "And  you?\n")))
CONTROL = ("</s>", "<s>", "<u>", "<a>", "<unk>")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    found: dict[str, Base] = {}

    def of(template: str | None, settings: Chat = DEFAULT) -> Base:
        key = str(template)
        if key not in found:
            folder = make_tiny_model(tmp_path_factory.mktemp("model"), chat_template=template)
            found[key] = load(base_models.parse(str(folder)))
            found[key].model.float()
        return found[key].with_settings(settings)

    return of


def theirs(base: Base, conversation: Conversation, **more: object) -> list[int]:
    """What transformers itself makes of it."""
    turns = [message.data() for message in conversation.messages]
    ids: list[int] = base.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False, **more)
    return ids


def same_logprobs(base: Base, conversation: Conversation, answer: str) -> None:
    """Ours of an answer's tokens beside those of the plain model on transformers' own ids."""
    prompt, ids = chat.prompt_ids(base, conversation), chat.completion_ids(base, answer)
    whole = torch.tensor([theirs(base, conversation) + ids], device=base.device)
    with torch.no_grad():
        logits = base.model(input_ids=whole).logits[0].float().log_softmax(-1)
        ours = predictions(base.model, from_lists([prompt], [[ids]], base.pad_id, base.device), 1.0).logp[0]
    expected = [float(logits[len(prompt) + at - 1, token]) for at, token in enumerate(ids)]
    torch.testing.assert_close(ours.cpu(), torch.tensor(expected), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", TEMPLATES)
def test_three_turns_are_what_transformers_makes_of_them_token_by_token(loaded, name):
    base = loaded(TEMPLATES[name])
    assert chat.prompt_ids(base, THREE) == theirs(base, THREE)
    same_logprobs(base, THREE, "Fine, thank you.")


@pytest.mark.slow
def test_the_real_model_says_the_same_of_three_turns():
    spec = base_models.parse("embedded")
    list(fetch.ensure(spec))
    base = load(spec)
    base.model.float()
    for conversation in (THREE, replace(THREE, messages=(Message("system", "Be brief."), *THREE.messages))):
        assert chat.prompt_ids(base, conversation) == theirs(base, conversation)
        same_logprobs(base, conversation, "Fine, thank you.")


texts = st.lists(st.one_of(st.sampled_from(CONTROL), st.text(max_size=6)), max_size=6).map("".join)


@pytest.mark.parametrize("examples", represented([15, 60], 15))
def test_what_people_type_is_never_a_control_token(loaded, examples):
    base = loaded(CHATML)

    @settings(max_examples=examples, deadline=None)
    @given(first=texts, second=texts)
    def check(first, second):
        talk = Conversation((Message("user", "x" + first), Message("assistant", second), Message("user", "y" + first)))
        plain = Conversation((Message("user", "x"), Message("assistant", "z"), Message("user", "y")))
        control = base.chat.control.ids - {base.tokenizer.unk_token_id}
        ids, written = chat.prompt_ids(base, talk), theirs(base, plain)
        assert [token for token in ids if token in control] == [token for token in written if token in control]
        assert base.tokenizer.decode(ids) == base.chat.rendered(talk).marks.without(base.chat.rendered(talk).text)
        answer = chat.completion_ids(base, second)
        assert [token for token in answer if token in control] == [base.end_ids[0]]
        if not any(token in first + second for token in CONTROL):
            assert ids == theirs(base, talk)

    check()


def test_the_end_that_the_template_writes_is_appended_and_stands_for_whichever_was_drawn(loaded):
    base = loaded(OTHER_END)
    a, end = base.tokenizer.convert_tokens_to_ids(["<a>", "</s>"])
    assert base.end_ids == (a, end) and chat.completion_ids(base, "hi")[-1] == a
    rows = from_lists([[9]], [[[10, 11, end], [10, 11, a]]], base.pad_id, base.device)
    longer, place = rows.with_end(*base.end_ids)
    assert place.tolist() == [2, 2] and longer.response_ids[:, 2].tolist() == [a, a]


def test_a_template_that_refuses_is_given_the_conversation_in_its_own_way_and_that_is_told(loaded):
    base = loaded(STRICT)
    talk = Conversation((Message("system", "Be kind."), Message("user", "one"), Message("user", "two")))
    read = chat.what_the_model_reads(base, talk)
    assert read.text == "<s><u>Be kind.\n\none\n\ntwo</s><a>"
    assert [piece.text for piece in read.pieces if piece.control] == ["<s>", "<u>", "</s>", "<a>"]
    assert "takes no system turn" in read.notes[0] and "were joined" in read.notes[1]
    chat.prompt_ids(base, talk, 7)
    told = [note.text for note in chat.told(base, last=True)]
    assert len(told) == 2 and all(text.startswith("1 prompt (7): the chat template") for text in told)
    assert not list(chat.told(base, last=True)), "said once"


def test_a_template_that_reads_parts_loses_no_text(loaded):
    assert chat.what_the_model_reads(loaded(PARTS), THREE).text.startswith("<u>user:Hi</s><u>assistant: Hello\n</s>")


def test_one_that_drops_a_turn_is_refused_with_a_sentence(loaded):
    base = loaded("{{ messages[0].content }}</s><a>")
    assert chat.prompt_ids(base, "hello")
    with pytest.raises(BadInput, match=r"does not take this conversation.*drops the text"):
        chat.prompt_ids(base, THREE)


@pytest.mark.thorough
def test_todays_date_is_the_projects_own(loaded):
    base = loaded(DATED, Chat(chat_date="2024-02-09"))
    assert chat.what_the_model_reads(base, "hi").text == "09 Feb 2024 09 Feb 2024 hi</s><a>"


def test_the_system_prompt_of_the_project_stands_where_there_is_none(loaded):
    base = loaded(CHATML, Chat(system_prompt="Be </s> brief."))
    assert chat.what_the_model_reads(base, "hi").text.startswith("<u>system\nBe </s> brief.</s>\n<u>user\nhi")
    own = Conversation((Message("system", "Own."), Message("user", "hi")))
    assert "brief" not in chat.what_the_model_reads(base, own).text


def test_thinking_is_asked_for_or_not_and_need_not_be_judged(loaded):
    assert chat.prompt_ids(loaded(THINKING), THREE) == theirs(loaded(THINKING), THREE)
    off = loaded(THINKING, Chat(thinking="off", reasoning="kept"))
    assert chat.prompt_ids(off, THREE) == theirs(off, THREE, enable_thinking=False)
    text = "<think>\nhm\n</think>\n\nYes."
    assert off.chat.judged(text) == "Yes." and off.chat.judged("<think> cut") == "" and off.chat.judged("a") == "a"
    assert chat.judged_ids(off, text) == chat.completion_ids(off, "Yes.")
    assert loaded(THINKING).chat.judged(text) == text


def test_a_model_without_a_template_is_given_the_plain_one(loaded):
    base = loaded(None)
    assert chat.what_the_model_reads(base, THREE).text == (
        "User:\nHi\n\nAssistant:\n Hello\n</s>\n\nUser:\nAnd  you?\n\n\nAssistant:\n"
    )
    assert base.chat.stops == ("\n\nUser:\n",)


def test_what_is_too_long_loses_its_oldest_turns_and_keeps_the_system_prompt(loaded):
    base = loaded(CHATML)
    turns = [Message("system", "Be kind.")]
    for number in range(30):
        turns += [Message("user", f"question {number}"), Message("assistant", f"answer {number}")]
    talk = Conversation((*turns, Message("user", "last")))
    ids = chat.to_answer(base, talk, 48, 3)
    text = base.tokenizer.decode(ids)
    assert len(ids) <= base.context - 49 and "question 0" not in text and "answer 29" in text
    assert text.startswith("<u>system\nBe kind.</s>\n<u>user\nquestion ") and text.endswith("last</s>\n<u>assistant\n")
    single = base.tokenizer.decode(chat.to_answer(base, "word " * 300 + "end", 48))
    assert single.startswith("<u>user\n") and single.endswith("word end</s>\n<u>assistant\n")
    told = [note.text for note in chat.told(base, last=True)]
    assert told[0] == "1 prompt (3) was cut by the oldest turns to fit into 256 tokens with the completions."
    with pytest.raises(BadInput, match="Lower --max-new-tokens"):
        chat.to_answer(base, "hi", 250)


def test_blanks_of_an_answer_are_kept(loaded):
    base = loaded(CHATML)
    for text in (" blue.", "\ttab\n", "  ", "don 't , no"):
        assert chat.text_of(base, chat.completion_ids(base, text)) == text


def test_tokens_without_a_text_are_never_drawn_and_a_stop_text_ends_an_answer(loaded):
    base = loaded(CHATML)
    never = torch.tensor([token for token in range(base.vocabulary) if token not in (50, 51, 52)])
    how = {"end_ids": base.end_ids, "pad_id": base.pad_id, "max_new_tokens": 20, "copies": 4, "never": never}
    drawn = sample(base.model, [[60, 61]], generator=generator(0), **how)
    assert set(drawn.response_ids.flatten().tolist()) == {50, 51, 52} and not drawn.ended.any()
    stop = base.tokenizer.decode([51])
    base = loaded(CHATML, Chat(stop=stop))
    drawn = sample(base.model, [[60, 61]], generator=generator(0), stops=base.chat.stops_at, **how)
    assert drawn.ended.all() and all(stop not in text for text in chat.texts_of(base, drawn))
    texts = chat.texts_of(base, drawn)
    judged = chat.judged_rows(base, drawn, texts)
    assert judged is not None and judged.index.tolist() == [0, 1, 2, 3]
    for row, text in enumerate(texts):
        length = int(judged.rows.lengths[row])
        assert judged.rows.response_ids[row, :length].tolist() == chat.completion_ids(base, text)


def test_a_response_is_judged_in_the_spelling_that_a_reward_model_learns_from(loaded):
    """Of 64 drawn from the whole vocabulary some are spelt otherwise than the tokenizer would; those and no other are
    read anew, by the tokens of their texts, so that none of 64 differs from what is learnt."""
    base = loaded(CHATML)
    how = {"end_ids": base.end_ids, "pad_id": base.pad_id, "max_new_tokens": 3, "copies": 8, "never": base.textless}
    drawn = sample(base.model, [[60, 61 + n] for n in range(8)], generator=generator(0), **how)
    texts = chat.texts_of(base, drawn)
    judged = chat.judged_rows(base, drawn, texts)
    again = {} if judged is None else {int(row): place for place, row in enumerate(judged.index)}
    assert 0 < len(again) < 64
    longer, _ = drawn.with_end(*base.end_ids)
    for row, text in enumerate(texts):
        rows, place = (judged.rows, again[row]) if row in again else (longer, row)
        prompt = int(rows.prompt_of[place])
        asked = rows.prompt_ids[prompt][rows.is_prompt[prompt]].tolist()
        assert rows.response_ids[place][rows.is_response[place]].tolist() == chat.judged_ids(base, text)
        assert asked == [60, 61 + row // 8]
        own = drawn.response_ids[row][drawn.is_response[row]].tolist()
        same = [token for token in own if token not in base.end_ids] == chat.judged_ids(base, text)[:-1]
        assert same == (row not in again)


@pytest.mark.thorough
def test_a_process_without_weights_says_what_the_model_reads(loaded, tmp_path, capsys):
    base, folder = loaded(STRICT), str(tmp_path / "project")
    assert cli.run(["new", folder, "--model", str(base.spec.folder)]) == 0
    assert cli.run(["read", folder, json.dumps(THREE.data()), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["tokens"] == len(chat.prompt_ids(base, THREE)) and found["longest"] == base.context
    assert found["pieces"][0] == ["<s>", True]
    assert "".join(text for text, _ in found["pieces"]) == chat.what_the_model_reads(base, THREE).text


def test_who_closes_a_reader_waits_for_no_answer_and_whoever_asks_is_told(loaded, project):
    """It takes the process seconds to begin."""
    project.set_setting("model", str(loaded(CHATML).spec.folder))
    reader, told, begun = Reader(), [], threading.Event()

    def ask():
        begun.set()
        with closing(open_project(project.folder)) as own, pytest.raises(ModelError) as error:
            reader.ask(own, THREE)
        told.append(str(error.value))

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    reader.close()
    asking.join(10)
    assert "ended" in told[0]
    ask()
    assert "ended" in told[1], "it reads no more"


def test_whoever_chooses_a_model_without_a_template_is_told(loaded, tmp_path, capsys):
    for template, told in ((None, True), (CHATML, False)):
        folder = loaded(template).spec.folder
        assert cli.run(["new", str(tmp_path / str(told)), "--model", str(folder)]) == 0
        assert ("has no chat template" in capsys.readouterr().out) == told
