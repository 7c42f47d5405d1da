"""Do the models that people bring compute right? Tiny random ones of each family, in float32: whatever the program
computes is what transformers and peft say of every sequence alone, by the way that stands in `families`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.config.chat import Chat
from core.conversation import Conversation
from core.errors import ModelError
from core.machine import base_models
from core.models import chat
from core.models.fast import switch
from core.models.load import Base, load
from core.models.sampling import sample
from core.models.seeds import generator
from tests.zoo import tongues
from tests.zoo.__main__ import PAGE, page
from tests.zoo.families import BY_NAME, FAMILIES, FIRST, FIRST_LOOPED, REFUSED, ROW, Family
from tests.zoo.making import make

CLOSE = 1e-4
#: Tokens of an answer at the end of the context.
ROOM = 8


def chosen(first: tuple[str, ...]) -> list[Any]:
    """All families, those that are not among the first only for the zoo."""
    marks = {each.name: [] if each.name in first else [pytest.mark.zoo] for each in FAMILIES}
    return [pytest.param(name, marks=marked, id=name) for name, marked in marks.items()]


@pytest.fixture(scope="module", params=chosen(FIRST))
def family(request: pytest.FixtureRequest) -> Family:
    return BY_NAME[request.param]


@pytest.fixture(scope="module")
def folder(family: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(family, tmp_path_factory.mktemp(family.name) / "model")


@pytest.fixture(scope="module")
def base(folder: Path) -> Base:
    with pytest.MonkeyPatch.context() as patch:
        plain_cpu(patch)
        return load(base_models.parse(str(folder)))


@pytest.fixture(scope="module")
def measured(base: Base, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.zoo.measuring import Measured

    found = Measured(base, folder, tmp_path_factory.mktemp("adapters"))
    yield found
    found.close()


def plain_cpu(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PLUMBLINE_DEVICE", "cpu")
    patch.setenv("PLUMBLINE_DTYPE", "float32")


def test_it_is_read_as_the_table_says(family, measured):
    from tests.zoo.measuring import reads_varlen

    assert measured.ways() == family.ways
    assert measured.base.context == family.context
    assert not any("vision" in name for name in measured.shared.state("policy"))
    if family.window:
        assert not reads_varlen(measured.base.model, family.shape["sliding_window"] + 1)


def test_numbers_are_those_of_each_sequence_alone(measured):
    from tests.zoo.measuring import beyond, wrong

    assert beyond(measured.logp, CLOSE) == {}
    assert beyond(measured.states, CLOSE) == {}
    assert beyond(measured.slopes, CLOSE) == {}
    assert wrong(measured.greedy()) == []


def test_a_fall_back_is_no_longer_what_the_table_says(family, measured):
    if family.ways == ROW:
        with switch.disabled():
            assert measured.ways() != family.ways


def test_prompts_leave_room_for_answers_in_what_the_model_reads(family, base):
    """Where positions lie in a table that ends (GPT-2, OPT), an answer is drawn up to its last one, too."""
    ids = chat.to_answer(base, "rain " * base.context, ROOM)
    assert base.context - 2 * ROOM < len(ids) <= base.context - ROOM
    if family.config in ("GPT2Config", "OPTConfig"):
        rows = sample(
            base.model, [ids], max_new_tokens=ROOM, temperature=1.0, end_ids=(), pad_id=base.pad_id,
            generator=generator(0),
        )  # fmt: skip
        assert rows.lengths.tolist() == [ROOM]


@pytest.mark.parametrize("name", [each.name for each in FAMILIES if "strftime_now" in each.tongue.template])
def test_a_template_with_a_date_says_the_projects_on_every_day(name, tmp_path, monkeypatch):
    plain_cpu(monkeypatch)
    spec = base_models.parse(str(make(BY_NAME[name], tmp_path / "model")))
    base = load(spec, Chat(chat_date="2021-03-04"))
    assert "04 Mar 2021" in base.tokenizer.decode(chat.prompt_ids(base, "Name a fruit."))


def test_prompts_hold_the_text_and_answers_end_as_the_template_ends_them(family, base):
    asked = "Name a fruit."
    assert asked in base.tokenizer.decode(chat.prompt_ids(base, Conversation.of_text(asked)))
    expected = {tongues.GOOGLE: "<end_of_turn>", tongues.PHI3: "<|end|>"}.get(family.tongue, family.tongue.eos)
    assert base.tokenizer.convert_ids_to_tokens(base.end_ids[0]) == expected
    assert {base.tokenizer.convert_tokens_to_ids(end) for end in family.tongue.ends} <= set(base.end_ids)
    assert chat.text_of(base, chat.completion_ids(base, "a good answer")) == "a good answer"


@pytest.mark.parametrize("family", chosen(FIRST_LOOPED), indirect=True, scope="module")
def test_the_loop_by_commands(family, folder, tmp_path, monkeypatch):
    from tests.zoo.loop import Loop

    plain_cpu(monkeypatch)
    loop = Loop(tmp_path / "project", folder)
    loop.run()
    if family.inside:  # second derivatives come through adapters of the language model alone
        loop.job("train-policy", "--algorithm", "trpo", "--steps", 1, "--batch-size", 4, "--completions", 2,
                 "--max-new-tokens", 6, "--eval-prompts", 0)  # fmt: skip
    error, moved = loop.exported()
    assert error < CLOSE < moved
    assert loop.card() < CLOSE


def test_the_guides_page_says_what_is_asserted_here():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.zoo writes it anew"


@pytest.mark.parametrize("refused", REFUSED, ids=[refused.name for refused in REFUSED])
def test_what_cannot_work_is_refused_with_its_reason(refused, tmp_path, monkeypatch):
    plain_cpu(monkeypatch)
    spec = base_models.parse(str(make(refused, tmp_path / "model")))
    with pytest.raises(ModelError, match=refused.says):
        load(spec)
