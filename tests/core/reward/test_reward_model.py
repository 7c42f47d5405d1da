"""The reward model through its own door: exact gradients in parts, memory, saving, other programs, ensembles."""

import json
from copy import deepcopy
from dataclasses import replace
from itertools import product

import pytest
import torch

from core.config.chat import Chat
from core.config.training import TrainRewardConfig
from core.errors import KnownError, ModelError
from core.models import cards
from core.models.adapters import SharedModel
from core.models.chat import Judged, what_the_model_reads
from core.models.checkpoint import adamw
from core.models.rows import from_lists
from core.models.states import hidden_states
from core.reward import memory
from core.reward.card import snippet
from core.reward.examples import Example, Order
from core.reward.model import RewardModel, encode
from core.reward.trace import trace
from core.reward.update import checkpointed
from core.rl import rollout
from core.rl.rollout import score_and_features
from tests.core.reward.steps import fresh_model, scores, update
from tests.thorough import represented

CONFIG = TrainRewardConfig(lora_rank=4, centering=0.0)


def example(number: int, lengths=(4, 2, 6), ranks=(1.0, 2.0, 3.0)) -> Example:
    answers = tuple([10 + number + place, *range(40, 38 + length), 0] for place, length in enumerate(lengths))
    order = Order(0, torch.tensor(ranks), True)
    return Example(number, [5, 6, 7, 8 + number], answers, tuple(range(len(lengths))), (order,))


BATCH = [example(0), example(1, (3, 9)[:2], (2.0, 1.0)), example(2, (2, 5, 3), (1.0, 1.0, 2.0))]


@pytest.fixture
def shared(base):
    found = SharedModel(base)
    yield found
    found.close()


def trained(shared, config=CONFIG, tokens=10_000, steps=1, checkpointing=False, **options):
    model = fresh_model(shared, config, seed=3, **options)
    (member,) = model.members
    optimizer = adamw(*zip(model.parameters(member), (1e-2, 1e-2), strict=True))
    with checkpointed(shared.base.model, checkpointing):
        metrics = [update(model, member, optimizer, BATCH, config, tokens) for _ in range(steps)]
    return model, metrics


def weights(model: RewardModel) -> list[torch.Tensor]:
    adapter, head = model.parameters(model.members[0])
    return [weight.detach().clone() for weight in (*adapter, *head)]


def test_a_zero_head_starts_at_ln_2_and_a_drawn_one_has_the_spread_of_the_summarisation_work(shared):
    _, metrics = trained(shared, head_init="zero")
    assert metrics[0]["loss"] == pytest.approx(0.693147, abs=1e-5)
    assert metrics[0]["accuracy"] == 0.5, "equal scores count half"
    drawn = RewardModel(shared).add("other", CONFIG, seed=1).head.linear.weight
    assert float(drawn.detach().std()) == pytest.approx((shared.base.hidden_size + 1) ** -0.5, rel=0.3)


@pytest.mark.parametrize(
    ("ties", "tokens"),
    represented(
        product(("half", "davidson", "rao-kupper"), (1, 12, 40)),
        *(("half", tokens) for tokens in (1, 12, 40)),
        *((ties, 12) for ties in ("davidson", "rao-kupper")),
    ),
)
def test_a_step_in_parts_is_the_step_in_one(base, ties, tokens):
    config = replace(CONFIG, ties=ties)
    found = []
    for budget in (10_000, tokens):
        shared = SharedModel(base)
        model, metrics = trained(shared, config, budget, steps=2)
        found.append((weights(model), metrics))
        shared.close()
    (whole, a), (parts, b) = found
    for x, y in zip(whole, parts, strict=True):
        torch.testing.assert_close(x, y, atol=2e-4, rtol=1e-3)
    assert [step["accuracy"] for step in a] == [step["accuracy"] for step in b]
    assert a[1]["loss"] == pytest.approx(b[1]["loss"], abs=1e-4)


def test_gradient_checkpointing_changes_nothing_and_keeps_less(base):
    found = []
    for on in (False, True):
        shared = SharedModel(base)
        model, _ = trained(shared, checkpointing=on, steps=2)
        with shared.role("reward", train=True), checkpointed(base.model, on):
            prompts, answers = [BATCH[0].prompt] * 8, [BATCH[0].answers] * 8
            kept = memory.kept_bytes(base, lambda model=model: model.raw(model.members[0], prompts, answers))
        found.append((weights(model), kept))
        shared.close()
    for x, y in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-5)
    assert found[1][1] < 0.5 * found[0][1]
    assert not base.model.training


def test_memory_that_does_not_suffice_for_scoring_is_asked_for_less(shared, monkeypatch):
    model, _ = trained(shared)
    prompts, answers = [item.prompt for item in BATCH], [item.answers for item in BATCH]
    expected = model.raw_scores(prompts, answers)
    real = model.raw

    def hungry(member, some, their_answers):
        if len(some) > 1:
            raise MemoryError
        return real(member, some, their_answers)

    monkeypatch.setattr(model, "raw", hungry)
    for a, b in zip(model.raw_scores(prompts, answers), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_a_loss_that_is_no_number_stops_before_it_touches_the_weights(shared):
    model = fresh_model(shared, CONFIG, seed=3)
    (member,) = model.members
    with torch.no_grad():
        member.head.linear.weight[0, 0] = float("nan")
    before = [weight.detach().clone() for weight in model.parameters(member)[0]]
    optimizer = adamw(*zip(model.parameters(member), (1e-2, 1e-2), strict=True))
    with pytest.raises(KnownError, match="diverged"):
        update(model, member, optimizer, BATCH, CONFIG, 1000)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(member)[0], strict=True))


def test_scores_survive_saving_and_the_order_of_completions_does_not_matter(shared, tmp_path):
    model, _ = trained(shared, steps=2)
    model.members[0].head.normalise(torch.tensor([0.3]), torch.tensor([1.7]))
    expected = scores(model, "hello", ["good", "a longer one", "x"])
    assert scores(model, "hello", ["x", "good", "a longer one"]) == pytest.approx(
        [expected[2], expected[0], expected[1]], abs=1e-4
    )
    model.save(tmp_path)
    shared.close()
    assert scores(RewardModel.load(shared, tmp_path), "hello", ["good", "a longer one", "x"]) == expected


def test_length_that_was_taken_out_stays_out_and_older_reward_models_have_none(shared, tmp_path):
    model, _ = trained(shared)
    texts = ["good", "a longer one", "x"]
    ids, answers = encode(shared.base, "hello", texts)
    whole = model.raw_scores([ids], [answers])[0]
    model.save(tmp_path)
    model.members[0].head.per_token.fill_(0.25)
    tokens = torch.tensor([len(answer) for answer in answers])
    torch.testing.assert_close(model.raw_scores([ids], [answers])[0][0, :, 0], whole[0, :, 0] - 0.25 * tokens)
    along = trace(model, ids, answers[1]).rewards
    assert along[-1] == pytest.approx(scores(model, "hello", texts)[1], abs=1e-4)
    assert along[2] == pytest.approx(float(model.raw_scores([ids], [[[*answers[1][:2], answers[1][-1]]]])[0]), abs=1e-4)
    rows = from_lists([ids], [[answer[:-1] for answer in answers]], shared.base.pad_id, shared.base.device)
    drawn = score_and_features(shared, model, rows, 2).score
    assert drawn.tolist() == pytest.approx(scores(model, "hello", texts), abs=1e-4), "as PPO has them"
    about = tmp_path / "reward" / "reward.json"
    older = json.loads(about.read_text())
    assert older.pop("per_token") == [0]
    about.write_text(json.dumps(older))
    shared.close()
    torch.testing.assert_close(RewardModel.load(shared, tmp_path).raw_scores([ids], [answers])[0], whole)
    about.write_text(json.dumps(older | {"per_token": [1e30]}))
    shared.close()
    with pytest.raises(ModelError, match="holds no reward model"):
        RewardModel.load(shared, tmp_path)


def test_what_is_judged_otherwise_than_it_was_drawn_takes_no_pass_of_its_own_where_nobody_reads_the_states(
    shared, monkeypatch
):
    model, _ = trained(shared, steps=2)
    base, passes = shared.base, []
    prompts, answers = [[60, 61, 62], [63, 64]], [[[50, 51], [52, 53, 54]], [[55], [56, 57]]]
    rows = from_lists(prompts, answers, base.pad_id, base.device)
    judged = Judged(torch.tensor([1, 2]), from_lists(prompts, [[[52, 58, 59, 54, 0]], [[40, 0]]], 0, base.device))
    expected = score_and_features(shared, model, rows, 4, judged)
    assert not torch.allclose(expected.score, score_and_features(shared, model, rows, 4).score, atol=1e-3)
    monkeypatch.setattr(rollout, "hidden_states", lambda *of, **how: passes.append(of) or hidden_states(*of, **how))
    found = score_and_features(shared, model, rows, 4, judged, states=False)
    torch.testing.assert_close(found.score, expected.score, atol=1e-5, rtol=1e-5)
    assert len(passes) == 1 and found.features.shape[-1] == 0 and expected.features.shape[-1] == base.hidden_size


def test_the_adapter_scores_the_same_in_a_fresh_process_with_transformers_and_peft_alone(shared, tmp_path, stranger):
    model, _ = trained(shared, steps=3)
    model.members[0].head.per_token.fill_(0.25)
    model.save(tmp_path)
    prompts, completions = ["hello", "what is it?"], ["good", "a longer one"]
    raw = [
        float(model.raw_scores([ids], [answers])[0][0, 0, 0])
        for ids, answers in (
            encode(shared.base, prompt, [completion]) for prompt, completion in zip(prompts, completions, strict=True)
        )
    ]
    (tmp_path / shared.base.spec.name).symlink_to(shared.base.spec.folder)  # where the snippet names its base
    code = snippet(model, 0.25).replace('"."', repr(str(tmp_path / "reward")))
    setting, scoring = code.split("prompt, completion =")
    lines = scoring.split("\n", 1)[1]
    program = (
        f"{setting}\nimport json, sys\nfound = []\nfor prompt, completion in {list(zip(prompts, completions))!r}:\n"
    )
    program += "\n".join(f"    {line}" for line in lines.splitlines()) + "\n    found.append(score)\n"
    program += "print(json.dumps([found, [name for name in ('core', 'desktop') if name in sys.modules]]))"
    found, foreign = json.loads(stranger.run(program, folder=tmp_path).splitlines()[-1])
    assert foreign == []
    assert found == pytest.approx(raw, abs=1e-5)


TURN = "<{{ message.role }}>{{ message.content }}"
PARTS = "<{{ message.role }}>{{ message.content[0]['text'] + '' }}"
NO_SYSTEM = "{% if message.role == 'system' %}{{ raise_exception('no') }}{% endif %}" + TURN
#: What would end a text of Python or a block of Markdown, what JSON and Python write differently, what nobody sees.
HOSTILE = (
    """Say "qzx0xzq}, open('ran', 'w')] #' \\ + prompt + \n```\n$ {base} %s 😀 \u3164\u202e""",
    "Never say qzx0xzq.",
    "?",
    "",
)


@pytest.mark.parametrize(
    ("turn", "reads"),
    [(TURN, "<system>{0}<user>{1}"), (PARTS, "<system>{0}<user>{1}"), (NO_SYSTEM, "<user>{0}\n\n{1}")],
)
def test_a_system_prompt_is_nothing_but_a_text_in_the_snippet(shared, base, tmp_path, monkeypatch, turn, reads):
    monkeypatch.chdir(tmp_path)
    template = "{% for message in messages %}" + turn + "{% endfor %}"
    for said in HOSTILE:
        shared.base = base.with_settings(Chat(system_prompt=said, chat_template=template))
        block = cards.block(snippet(RewardModel(shared)), "python")
        (line,) = (line for line in block.splitlines() if line.startswith("turns = "))
        for prompt in ("How are you?", said or "?"):
            names = {"prompt": prompt}
            exec(line, names)
            said_in = [(turn["role"], turn["content"]) for turn in names["turns"]]
            read = "".join(f"<{role}>{text if isinstance(text, str) else text[0]['text']}" for role, text in said_in)
            assert read == (reads.format(said, prompt) if said else f"<user>{prompt}")
    assert not (tmp_path / "ran").exists()


OWN_DAY = "{% if not date_string is defined %}{% set date_string = '26 Jul 2024' %}{% endif %}{{ date_string }}"
NOW = "{% set date_string = strftime_now('%d %b %Y') %}{{ date_string }}"


@pytest.mark.parametrize("day", ["{{ date_string }}", OWN_DAY, NOW])
def test_the_snippet_gives_the_template_the_day_that_it_was_given_here(shared, base, day):
    template = day + "{% for message in messages %}" + TURN + "{% endfor %}"
    shared.base = base.with_settings(Chat(chat_date="2025-01-02", chat_template=template))
    code = snippet(RewardModel(shared))
    asked = [line for line in code.splitlines() if line.startswith(("tokenizer.", "turns =", "text ="))]
    names = {"prompt": "hi", "tokenizer": deepcopy(base.tokenizer)}
    exec("\n".join(asked), names)
    assert names["text"] == what_the_model_reads(shared.base, "hi").text
    assert names["text"].startswith("26 Jul 2024" if day == OWN_DAY else "02 Jan 2025")


def test_an_ensemble_is_combined_in_three_ways(shared, tmp_path):
    model = fresh_model(shared, CONFIG, seed=0)
    model.add("reward1", CONFIG, seed=1)
    model.add("reward2", CONFIG, seed=2)
    ids, answers = encode(shared.base, "hello", ["good", "a longer one"])
    raw = model.raw_scores([ids], [answers])[0]
    assert raw.shape == (3, 2, 1)
    assert not torch.allclose(raw[0], raw[1]), "the heads start from different draws"
    each = raw[..., 0]
    for combine, expected in (
        ("mean", each.mean(0)),
        ("worst", each.min(0).values),
        ("mean-minus-variance", each.mean(0) - ((each - each.mean(0)) ** 2).mean(0)),
    ):
        model.combine = combine
        torch.testing.assert_close(model.reward(raw), expected)
    model.variance_weight = 0.25
    torch.testing.assert_close(model.reward(raw), each.mean(0) - 0.25 * ((each - each.mean(0)) ** 2).mean(0))
    model.variance_weight = 1.0
    many = torch.randn(3, 50, 1)
    model.measure_combined(many)
    for combine in ("mean", "worst", "mean-minus-variance"):
        model.combine = combine
        assert abs(float(model.reward(many).mean())) < 1e-5
        assert float(model.reward(many).std(correction=0)) == pytest.approx(1.0, abs=1e-4)
    for weight in (0.0, 0.25, 4.0):
        model.variance_weight = weight
        assert abs(float(model.reward(many).mean())) < 1e-4
        assert float(model.reward(many).std(correction=0)) == pytest.approx(1.0, abs=1e-3)
    model.save(tmp_path)
    shared.close()
    again = RewardModel.load(shared, tmp_path)
    assert [member.adapter for member in again.members] == ["reward", "reward1", "reward2"]
    assert again.combined == model.combined
    torch.testing.assert_close(again.raw_scores([ids], [answers])[0], raw)
    shared.close()
    del model.combined["variance"]  # as an earlier version left it
    for member in model.members:
        about = json.loads((tmp_path / member.adapter / "reward.json").read_text(encoding="utf-8"))
        (tmp_path / member.adapter / "reward.json").write_text(json.dumps(about | {"combined": model.combined}))
    with pytest.raises(ModelError, match="leave --variance-weight at 1"):
        RewardModel.load(shared, tmp_path, combine="mean-minus-variance", variance_weight=0.5)
    assert len(RewardModel.load(shared, tmp_path, combine="mean-minus-variance").members) == 3


def test_criteria_are_columns_of_one_head(shared):
    model = fresh_model(shared, CONFIG, seed=0, columns=("overall", "harmless"))
    (member,) = model.members
    orders = (Order(0, torch.tensor([1.0, 2.0, 3.0]), True), Order(1, torch.tensor([3.0, 2.0, 1.0]), True))
    batch = [replace(example(number), orders=orders) for number in range(3)]
    optimizer = adamw(*zip(model.parameters(member), (2e-2, 5e-2), strict=True))
    for _ in range(30):
        update(model, member, optimizer, batch, CONFIG, 10_000)
    raw = model.raw_scores([item.prompt for item in batch], [item.answers for item in batch])
    for each in raw:
        assert each[0, :, 0].argsort(descending=True).tolist() == [0, 1, 2]
        assert each[0, :, 1].argsort(descending=True).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("what", "words"),
    [("tokenizer", "another tokenizer"), ("base", "another base model"), ("weights", "another base model")],
)
def test_a_reward_model_of_another_base_or_tokenizer_is_refused(shared, tmp_path, what, words):
    trained(shared)[0].save(tmp_path)
    about = tmp_path / "reward" / "reward.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {what: "0123456789abcdef"}))
    shared.close()
    with pytest.raises(ModelError, match=words):
        RewardModel.load(shared, tmp_path)


def test_a_folder_without_a_reward_model_is_refused(shared, tmp_path):
    with pytest.raises(ModelError, match="holds no reward model"):
        RewardModel.load(shared, tmp_path)


def test_the_budget_of_memory_decides_how_much_goes_through_at_once(shared):
    model = fresh_model(shared, CONFIG, seed=0)
    (member,) = model.members
    one = BATCH[0]

    def forward():
        return model.raw(member, [one.prompt], [one.answers])

    with shared.role("reward", train=True):
        kept = memory.kept_bytes(shared.base, forward)
        assert kept > 0
        each = kept * memory.TRANSIENT / one.tokens
        assert memory.budget(shared.base, one.tokens, forward, 300 * each / 1e9) == 256, "a power of two"
        assert memory.budget(shared.base, one.tokens, forward, 1e-9) == memory.SMALLEST
        assert memory.enough(shared.base.device, 10**6) == memory.ENOUGH["cpu"]
