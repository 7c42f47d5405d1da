"""Do the models that people bring compute right? Tiny random ones of each family, in float32: whatever the program
computes is what transformers and peft say of every sequence alone, by the way that stands in `families`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.conversation import Conversation
from core.errors import ModelError
from core.machine import base_models
from core.models import chat
from core.models.load import Base, load
from tests.zoo import tongues
from tests.zoo.__main__ import PAGE, page
from tests.zoo.families import BY_NAME, FAMILIES, FIRST, REFUSED, Family
from tests.zoo.making import make

CLOSE = 1e-4
#: What merging and adding up elsewhere cost.
MERGED = 2e-4


def chosen(family: Family) -> Any:
    return pytest.param(family.name, marks=[] if family.name in FIRST else pytest.mark.zoo, id=family.name)


@pytest.fixture(scope="module", params=[chosen(family) for family in FAMILIES])
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
    assert beyond(measured.slopes, 5 * CLOSE) == {}
    assert wrong(measured.greedy()) == []


def test_prompts_hold_the_text_and_answers_end_as_the_template_ends_them(family, base):
    asked = "Name a fruit."
    assert asked in base.tokenizer.decode(chat.prompt_ids(base, Conversation.of_text(asked)))
    expected = {tongues.GOOGLE: "<end_of_turn>", tongues.PHI3: "<|end|>"}.get(family.tongue, family.tongue.eos)
    assert base.tokenizer.convert_ids_to_tokens(base.end_ids[0]) == expected
    assert {base.tokenizer.convert_tokens_to_ids(end) for end in family.tongue.ends} <= set(base.end_ids)
    assert chat.text_of(base, chat.completion_ids(base, "a good answer")) == "a good answer"


def test_the_loop_by_commands(folder, tmp_path, monkeypatch):
    from tests.zoo.loop import Loop

    plain_cpu(monkeypatch)
    loop = Loop(tmp_path / "project", folder)
    loop.run()
    error, moved = loop.exported()
    assert error < MERGED < moved
    assert loop.card() < MERGED


def test_the_guides_page_says_what_is_asserted_here():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.zoo writes it anew"


@pytest.mark.parametrize("refused", REFUSED, ids=[refused.name for refused in REFUSED])
def test_what_cannot_work_is_refused_with_its_reason(refused, tmp_path, monkeypatch):
    plain_cpu(monkeypatch)
    spec = base_models.parse(str(make(refused, tmp_path / "model")))
    with pytest.raises(ModelError, match=refused.says):
        load(spec)
