"""A stranger's chat template is a program: one that is broken, loops or allocates ends in a sentence."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import worker
from core.config.jobs import GenerateConfig, JobKind, config_values
from core.errors import OUT_OF_MEMORY, KnownError, ModelError, known
from core.jobs import queue
from core.models.chat_template import ChatTemplate
from core.trust import gate
from tests.attacks.strangers import cheap, edit
from tests.tiny import CHAT_TEMPLATE, make_tiny_model

ENDLESS = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
NOT_ENDING = "does not end or needs too much memory"
ATTACKS = {
    "loops": (ENDLESS, NOT_ENDING),
    "calls itself": ("{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}", "is broken|" + NOT_ENDING),
    "a long text": ("{{ 'x' * 20000000 }}", "its text is too long"),
    "a long text for each message": ("{{ messages[0].content * 60000 }}", "its text is too long"),
    "half a character": ("{{ '\\ud800' }}", "is broken"),
    "a text that no memory holds": ("{{ 'x' * 10 ** 12 }}", "is broken"),
    "a power": ("{{ 9 ** (9 ** 9) }}", NOT_ENDING),
    "doubling": (
        "{% set n = namespace(t='x') %}{% for i in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
        "is broken|" + NOT_ENDING,
    ),
    "padding": ("{{ '%999999999999d' % 1 }}", "is broken"),
    "centring": ("{{ 'x' | center(10 ** 11) }}", "is broken"),
    "half a template": ("{% for m in messages %}", "is broken"),
    "another name": ("{{ nobody.content }}", "is broken"),
    "its own error": ("{{ raise_exception('no') }}", r"is broken \(no\)"),
    "deep": ("{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}", "is broken|" + NOT_ENDING),
    "the insides": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "is broken"),
    "a hidden name": ("{% set n = namespace() %}{% set n.__class__ = 1 %}", "is broken"),
}  # fmt: skip
NOTHING = {"nothing": ("{# #}", "drops the text of a turn")}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_template_ends_in_a_sentence(attack):
    source, words = ATTACKS[attack]
    template = ChatTemplate(source, {"eos_token": "</s>"}, "The model")
    with cheap(), pytest.raises(ModelError, match=f"The chat template of The model.*({words})") as told:
        template.render([{"role": "user", "content": "hello"}])
    assert "\n" not in str(told.value) and "another model" in str(told.value)
    template.close()


@pytest.mark.thorough
def test_one_that_loops_for_one_prompt_alone_is_ended_there_and_answers_the_next():
    template = ChatTemplate("{% if messages[0].content == 'x' %}" + ENDLESS + "{% endif %}done", {}, "The model")
    assert template.render([{"role": "user", "content": "hello"}]) == "done"
    with pytest.raises(ModelError, match=NOT_ENDING):
        template.render([{"role": "user", "content": "x"}])
    assert template.render([{"role": "user", "content": "hello"}]) == "done"
    template.close()


HONEST = [
    CHAT_TEMPLATE,
    "{{ bos_token }}{% for m in messages %}{{ m | tojson }}{{ m.content | trim }}\n{% endfor %}{{ eos_token }}",
    "{% if tools %}no{% endif %}{{ tools is none }} {{ documents is none }}\n  {%- if true %} x{% endif %}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% break %}{% endfor %}",
    "{% set n = namespace(a=1) %}{% set n.a = n.a + 1 %}{{ n.a }}{{ dict(b=2) }}{{ strftime_now('%Y') }}",
    "{% if messages[0]['content'] is string %}{{ messages[0]['content'].split('x')[0] }}{% endif %}",
    "{{ {'a': 'é<&>'} | tojson(indent=2) }}",
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(make_tiny_model(tmp_path_factory.mktemp("tiny")))


@pytest.mark.parametrize("source", HONEST)
def test_it_renders_what_transformers_does(tokenizer, source):
    tokenizer.chat_template = source
    template = ChatTemplate.of(tokenizer, "The model")
    for content in ("hello", "  two\r\nlines\u2028 é <b> x \U0001f600", ""):
        for turns in (
            [{"role": "user", "content": content}],
            [{"role": "user", "content": content}, {"role": "assistant", "content": "yes"}],
        ):
            for prompting in (False, True):
                expected = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompting)
                assert template.render(turns, add_generation_prompt=prompting) == expected
    template.close()


@pytest.mark.parametrize("templates", [None, "", {}, {"other": "x"}, 5])
def test_a_tokenizer_without_a_template_gets_the_plain_one(templates):
    tokenizer = SimpleNamespace(chat_template=templates, special_tokens_map={}, bos_token_id=None)
    template = ChatTemplate.of(tokenizer, "The model")
    text = template.render([{"role": "user", "content": "Hello"}], add_generation_prompt=True)
    assert text == "User:\nHello\n\nAssistant:\n"
    template.close()


@pytest.mark.thorough
@pytest.mark.parametrize("attack", ["loops", "half a template", "nothing"])
def test_no_job_hangs_and_none_calls_it_a_bug_of_ours(tokenizer, filled, tmp_path, attack):
    source, words = (ATTACKS | NOTHING)[attack]
    shutil.copytree(Path(tokenizer.name_or_path), tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(source)
    edit(tmp_path / "model" / "tokenizer_config.json", chat_template=None)
    filled.set_setting("model", str(tmp_path / "model"))
    gate.made_here(filled)
    job = queue.enqueue(filled, JobKind.GENERATE, config_values(GenerateConfig(missing_only=False)))
    claimed = worker.claim(filled)
    assert claimed is not None
    with cheap(seconds=4.0):
        worker.run_job(filled, claimed, {})
    job = queue.get(filled, job.id)
    assert job.status == "failed" and words in (job.error or "") and job.report is None


@pytest.mark.thorough
def test_a_process_is_kept_for_the_same_template_alone_and_ends_with_the_next_that_is_left(tokenizer):
    import gc

    gc.collect()  # what earlier tests left in cycles would give its process back between the lines
    tokenizer.chat_template = CHAT_TEMPLATE
    template = ChatTemplate.of(tokenizer, "The model")
    template.render([{"role": "user", "content": "hello"}])
    process = template._process
    assert process is not None and process.poll() is None
    del template
    gc.collect()
    same = ChatTemplate.of(tokenizer, "The same")
    same.render([{"role": "user", "content": "hello"}])
    assert same._process is process and process.poll() is None
    del same
    gc.collect()
    tokenizer.chat_template = CHAT_TEMPLATE + " "
    other = ChatTemplate.of(tokenizer, "Another")
    other.render([{"role": "user", "content": "hello"}])
    assert other._process is not process
    del other
    gc.collect()
    assert process.poll() is not None


def wrapped() -> Exception:
    try:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("could not load") from error
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        wrapped(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
        type("SafetensorError", (Exception,), {})("I/O error: Cannot allocate memory (os error 12)"),
    ],
)
def test_memory_that_is_short_inside_a_library_is_no_bug_of_ours(error):
    found = known(error)
    assert isinstance(found, KnownError) and str(found) == OUT_OF_MEMORY


def test_an_error_about_something_else_stays_what_it_is():
    ring = ValueError("x")
    ring.__context__ = KeyError("y")
    ring.__context__.__context__ = ring
    assert known(ring) is None and known(RuntimeError("x")) is None
