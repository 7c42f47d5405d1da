"""A stranger's model: refused with a sentence, at once, in little memory, and without asking anybody."""

import json
import re
import shutil
import signal
import struct
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from core.config.chat import DEFAULT
from core.endpoints import keys
from core.errors import ModelError
from core.jobs import line_process
from core.machine import base_models
from core.machine.memory_plan import shape_of
from core.models import allowance, chat, export_job, fetch, gguf_header, read_process, tokenizer_files, vetting
from core.models.load import load
from core.reward.external import ExternalReward
from tests.attacks.strangers import Tampering, cheap, edit, watch_network
from tests.thorough import represented
from tests.tiny import CHAT_TEMPLATE, make_tiny_model

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_model(tmp_path_factory.mktemp("tiny"))
    load(base_models.parse(str(folder)))  # what transformers imports when it is first used is not the attacker's doing
    return folder


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(autouse=True)
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return watch_network(monkeypatch)


def config(**changes: object) -> Tampering:
    return lambda folder: edit(folder / "config.json", **changes)


def write(name: str, content: str | bytes) -> Tampering:
    def tamper(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return tamper


def adapter_beside(folder: Path) -> None:
    edit(folder / "adapter_config.json", peft_type="LORA", base_model_name_or_path="evil/base")
    torch.save({"x": torch.zeros(1)}, folder / "adapter_model.bin")


def indexed(name: str) -> Tampering:
    def tamper(folder: Path) -> None:
        (folder / WEIGHTS).rename(folder / "part.safetensors")
        edit(folder / INDEX, metadata={}, weight_map={"model.norm.weight": name})

    return tamper


def tokenizer(**changes: object) -> Tampering:
    return lambda folder: edit(folder / "tokenizer.json", **changes)


def tokenizer_class(name: object) -> Tampering:
    return lambda folder: edit(folder / "tokenizer_config.json", tokenizer_class=name)


def tokens(**named: object) -> Tampering:
    return lambda folder: edit(folder / "tokenizer_config.json", **named)


def templates(*more: object) -> Tampering:
    def tamper(folder: Path) -> None:
        (folder / "chat_template.jinja").unlink()
        plain = {"name": "default", "template": "{{ messages[0].content }}"}
        edit(folder / "tokenizer_config.json", chat_template=[plain, *more])

    return tamper


def growing(folder: Path) -> None:
    """Each `a` becomes ten, forty times over."""
    more = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
    tokenizer(normalizer={"type": "Sequence", "normalizers": [more] * 40})(folder)


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
ATTACKS: dict[str, tuple[Tampering, str]] = {
    "kernels of the hub": (config(attn_implementation="evil/kernel"), "asks for code that is not here"),
    "kernels, by the private name": (config(_attn_implementation="evil/kernel@main:f"), "asks for code"),
    "kernels of a part": (config(text_config={"attn_implementation": {"": "evil/kernel"}}), "asks for code"),
    "flash attention, which the hub has": (config(attn_implementation="flash_attention_3"), "asks for code"),
    "attention that is compiled here": (config(attn_implementation="flex_attention"), "asks for code"),
    "kernels of experts": (config(experts_implementation="evil/kernel"), "asks for code"),
    "switched on": (config(use_kernels=True), "asks for code from the hub"),
    "another config": (config(configuration_files=["config.4.0.0.json"]), "names other files as its config"),
    "another vocabulary": (tokens(vocab="/etc/passwd"), "an entry that no tokenizer has"),
    "a file among the special tokens": (
        write("special_tokens_map.json", '{"bos_token": "<s>", "merges_file": "/etc/passwd"}'), "no tokenizer has"
    ),
    "a link out of the folder": (lambda folder: (folder / "bpe.codes").symlink_to("/etc/passwd"), "another place"),
    "a second name of a file elsewhere": (
        lambda folder: (write("diary.txt", "dear diary")(folder.parent),
                        (folder / "bpe.codes").hardlink_to(folder.parent / "diary.txt")),
        "has a second name elsewhere",
    ),
    "a link among its templates": (
        lambda folder: ((folder / "additional_chat_templates").mkdir(),
                        (folder / "additional_chat_templates" / "x.jinja").symlink_to("/etc/passwd")),
        "another place",
    ),
    "a backbone of the hub": (
        write("config.json", '{"model_type": "rf_detr", "backbone": "evil/repo"}'),
        "names another model as a part",
    ),
    "a method's name": (config(save_pretrained=5), "an entry that no model has"),
    "a method's name in a part": (config(text_config={"to_dict": 5}), "an entry that no model has"),
    "code that is to be written": (config(_auto_class="AutoConfig"), "asks for code"),
    "a template whose name leaves the folder": (
        templates({"name": "../../../evil", "template": "x"}), "a chat template that is none",
    ),
    "a template of half a character": (templates({"name": "y", "template": "\ud800"}), "a chat template that is none"),
    "a template that is a number": (templates({"name": "y", "template": 5}), "a chat template that is none"),
    "a quantizer": (config(quantization_config={"quant_method": "mxfp4"}), "is quantized"),
    "a pickle as its weights": (config(transformers_weights="adapter_model.bin"), "names other files"),
    "an adapter beside it": (adapter_beside, "holds an adapter beside the model"),
    "a model as its tokenizer": (tokenizer_class("Blip2Model"), "names what is no tokenizer"),
    "a model of the folder's code as its tokenizer": (
        tokenizer_class("AutoModelForAudioXVector"), "names what is no tokenizer",
    ),
    "a processor as its tokenizer": (tokenizer_class("DiaProcessor"), "names what is no tokenizer"),
    "a tokenizer of tokenizers": (tokenizer_class("RagTokenizer"), "names what is no tokenizer"),
    "a model as its tokenizer, by the model's config": (config(tokenizer_class="Blip2Model"), "no tokenizer"),
    "a kind with a tokenizer of tokenizers": (config(model_type="rag"), "names what is no tokenizer"),
    "a tokenizer that is no name": (tokenizer_class(["LlamaTokenizer"]), "names what is no tokenizer"),
    "many tokens beside it": (
        tokens(extra_special_tokens=[f"<{number}>" for number in range(20_000)]), "adds 2000. tokens",
    ),
    "many tokens by name": (tokens(**{f"x{number}_token": "x" for number in range(20_000)}), "adds 2000. tokens"),
    "many tokens by number": (
        tokens(added_tokens_decoder={str(number): {"content": "x"} for number in range(300, 120_300)}), "adds 120000",
    ),
    "a token of a number that none has": (
        tokens(added_tokens_decoder={"1000000000": {"content": "x"}}), "by a number that none has",
    ),
    "a long token as its beginning": (tokens(bos_token="b" * 3_000_000), "a token of 3000000 characters"),
    "a long token beside it": (
        lambda folder: edit(folder / "added_tokens.json", **{"b" * 3000: 300}), "a token of 3000 characters",
    ),
    "a tokenizer by another name": (
        config(attribute_map={"tokenizer_class": "x"}, x="AutoModelForAudioXVector"), "by other names",
    ),
    "a remote config": (config(model_type="x", auto_map={"AutoConfig": "evil/repo--m.C"}), "code that comes with it"),
    "many layers": (config(num_hidden_layers=10**9), "absurd number"),
    "a thousand layers": (config(num_hidden_layers=1000), "absurd number"),
    "layers by the kind of their attention": (
        config(model_type="gpt_neo", num_layers=2, attention_types=[[["global"], 10**9]]), "absurd number",
    ),
    "blocks by their sizes": (config(model_type="funnel", block_sizes=[10**9]), "absurd number"),
    "many hash functions": (config(model_type="canine", num_hash_functions=10**9), "absurd number"),
    "many inputs": (config(model_type="gemma3n_text", altup_num_inputs=10**8), "absurd number"),
    "many streams": (config(model_type="prophetnet", ngram=10**9), "absurd number"),
    "products in many parts": (
        config(model_type="bloom", pretraining_tp=10**9, slow_but_exact=True), "absurd number",
    ),
    "tokens that a number makes": (tokens(tokenizer_class="T5Tokenizer", extra_ids=10**7), "absurd number"),
    "tokens that a number moves": (tokens(tokenizer_class="PegasusTokenizer", offset=10**7), "absurd number"),
    "positions of sines": (
        config(model_type="xlm", sinusoidal_embeddings=True, max_position_embeddings=10**9), "absurd number",
    ),
    "many labels": (config(num_labels=10**9), "absurd number"),
    "a large vocabulary": (config(vocab_size=10**9), "its files hold"),
    "wide layers": (config(hidden_size=10**9), "cannot be loaded|its files hold"),
    "layers where numbers belong": (config(num_hidden_layers="many"), "cannot be loaded"),
    "no numbers at all": (config(hidden_size=None, num_attention_heads=-1), "cannot be loaded|its files hold"),
    "words where numbers belong": (config(logit_scale="x"), "no number for logit_scale"),
    "another shape": (config(num_key_value_heads=4), r"another shape than it says in model\.layers\.0\."),
    "a length that is none": (
        lambda folder: edit(folder / "tokenizer_config.json", model_max_length="x"), "no number for model_max_length",
    ),
    "a deep config": (write("config.json", DEEP), "cannot be read"),
    "a deep tokenizer config": (write("tokenizer_config.json", DEEP), "cannot be read"),
    "a deep tokenizer": (write("tokenizer.json", DEEP), "tokenizer.json cannot be used"),
    "a config of 10 MB": (write("config.json", '{"a": "' + "x" * 10_000_000 + '"}'), "is larger than"),
    "a list as its config": (write("config.json", "[]"), "holds no JSON object"),
    "no text": (write("config.json", b"\xff\xfe\x00"), "cannot be read"),
    "a header of 2^62 bytes": (write(WEIGHTS, struct.pack("<Q", 2**62) + b"{}"), "is damaged"),
    "a tensor of 2^62 numbers": (
        write(WEIGHTS, (lambda head: struct.pack("<Q", len(head)) + head)(
            json.dumps({"x": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**62]}}).encode()
        )),
        "is damaged",
    ),
    "an index that leaves the folder": (indexed("../outside.safetensors"), "not in its folder"),
    "an index of an absolute name": (indexed("/etc/passwd"), "not in its folder"),
    "an index of a file that is not there": (indexed("gone.safetensors"), "is missing"),
    "a tokenizer that grows": (growing, "tokenizer.json cannot be used"),
    "a tokenizer that pads": (
        tokenizer(padding={
            "strategy": {"Fixed": 10**12}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "</s>",
        }),
        "tokenizer.json cannot be used",
    ),
    "an end that is no token": (
        lambda folder: edit(folder / "generation_config.json", eos_token_id=["x", {}]),
        "cannot be loaded|that it does not have",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tampered_model_is_refused_at_once_and_asks_nobody(model, attack, attempts):
    tamper, words = ATTACKS[attack]
    tamper(model)
    with cheap(), pytest.raises(ModelError, match=words) as told:
        load(base_models.parse(str(model)))
    assert "\n" not in str(told.value) and len(str(told.value)) < 700
    assert attempts == []


COSTLY: dict[str, tuple[dict[str, int], dict[str, int], str]] = {
    # each number of its positions is made in Python, once their shape is seen to be another than the file's
    "pegasus": (
        {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
         "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64},
        {"max_position_embeddings": 1_500_000},
        r"The model in \S+ takes more than 1 seconds of computing, which one of its size never does",
    ),
    # what is said of a text begins with a table of that length
    "mpt": (
        {"d_model": 32, "n_layers": 1, "n_heads": 2}, {"max_seq_len": 4 * 10**8},
        r"The first look at a text of the model in \S+ takes more than 0\.3 GB of memory, which one of its size never",
    ),
}  # fmt: skip


def costly(model: Path, kind: str, how: Any) -> str:
    """Put a model of this kind in the place of another, and return what is to be said of it."""
    small, changes, words = COSTLY[kind]
    about = AutoConfig.for_model(
        kind, vocab_size=261, bos_token_id=1, eos_token_id=0, pad_token_id=0, num_labels=1, **small
    )
    how.from_config(about).save_pretrained(model)
    edit(model / "config.json", **changes)
    return words


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited there")
@pytest.mark.parametrize("kind", COSTLY)
def test_a_number_that_loops_or_fills_memory_in_loading_is_a_sentence(model, monkeypatch, kind):
    import resource

    words = costly(model, kind, AutoModelForCausalLM)
    monkeypatch.setattr(allowance, "SECONDS", 1.0)
    monkeypatch.setattr(allowance, "MEMORY", 300_000_000)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with cheap(seconds=4), pytest.raises(ModelError, match=words):
        load(base_models.parse(str(model)))
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited there")
def test_nor_does_a_reward_model_take_more_for_its_first_text(model, monkeypatch):
    words = costly(model, "mpt", AutoModelForSequenceClassification)
    monkeypatch.setattr(allowance, "MEMORY", 300_000_000)
    with cheap(seconds=4), pytest.raises(ModelError, match=words.replace("the model", "the reward model")):
        ExternalReward(str(model))


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("tokenizer_config.json", {"padding_side": 5}, "Padding side should be .*"),
        ("generation_config.json", {"watermarking_config": {"a": 1}}, ".* unexpected keyword argument 'a'"),
    ],
)
def test_what_cannot_be_read_to_show_it_is_a_sentence_with_its_folder_and_what_to_do(model, name, changes, why):
    edit(model / name, **changes)
    question = {"model": str(model), "settings": asdict(DEFAULT), "conversation": {"messages": []}}
    told = f"The tokenizer or config in {re.escape(str(model))} cannot be read \\({why}\\): get its files anew from .*"
    assert re.fullmatch(told, read_process.answer(question, {})["error"])


def test_files_of_the_hubs_cache_may_have_second_names(model, monkeypatch):
    (model.parent / "again.json").hardlink_to(model / "tokenizer.json")
    with pytest.raises(ModelError, match="second name"):
        vetting.check_folder(model)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(model.parent))
    vetting.check_folder(model)


@pytest.mark.parametrize("name", ["AutoModelForAudioXVector", "OneFormerImageProcessorPil", "DiaProcessor"])
def test_what_a_model_reads_is_looked_at_as_carefully_as_it_is_loaded(model, attempts, name):
    tokenizer_class(name)(model)
    edit(model / "preprocessor_config.json", class_info_file="x.json", repo_path="stranger/beacon")
    audio = {"audio_tokenizer_class": "AutoModel", "audio_tokenizer_name_or_path": "stranger/beacon"}
    edit(model / "processor_config.json", processor_class="DiaProcessor", audio_tokenizer=audio)
    with pytest.raises(ModelError, match="names what is no tokenizer"):
        read_process.chat_of(str(model), DEFAULT)
    assert attempts == []


@pytest.mark.parametrize(
    "name", ["LlamaTokenizerFast", "TokenizersBackend", "GPT2Tokenizer", "NobodyKnowsTokenizer", None]
)
def test_a_tokenizer_of_any_honest_class_is_read(model, name):
    tokenizer_class(name)(model)
    tokenizer_files.check_class(model)


def test_a_process_that_is_asked_knows_no_token_and_asks_no_hub(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv(keys.VARIABLE, "sk-secret")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    process = line_process.start("tests.attacks.tell_environment")
    try:
        found = line_process.ask(process, None)
    finally:
        line_process.end(process)
    assert not {"HF_TOKEN", keys.VARIABLE} & found.keys() and found["HF_HUB_OFFLINE"] == "1"


NAMES = dict.fromkeys(
    [
        "backbone",
        "_name_or_path",
        "name_or_path",
        "base_model_name_or_path",
        "tokenizer_class",
        "tokenizer_name_or_path",
        "text_encoder",
        "decoder",
        "encoder",
        "vision_config",
        "text_config",
        "audio_config",
        "timm_model_name",
        "model_name",
        "architecture",
    ],
    "evil/repo",
)


LOOKING_UP = ({"backbone": "evil/repo"}, NAMES, {"text_config": NAMES, "backbone_config": NAMES})


@pytest.mark.parametrize(
    ("kind", "names"),
    represented(
        product(("rf_detr", "dpt", "table-transformer", "llama", "timm_wrapper"), LOOKING_UP),
        *((kind, NAMES) for kind in ("rf_detr", "dpt", "table-transformer", "llama", "timm_wrapper")),
        *(("dpt", names) for names in LOOKING_UP),
    ),
)
def test_what_a_config_would_look_up_on_the_hub_is_not_asked_for(model, attempts, monkeypatch, kind, names):
    monkeypatch.delitem(vetting.REFUSED, "backbone")
    (model / "config.json").write_text(json.dumps({"model_type": kind, **names}), "utf-8")
    with pytest.raises(ModelError):
        load(base_models.parse(str(model)))
    assert attempts == []


def test_a_tokenizer_of_another_model_is_told_by_its_tokens(model):
    edit(model / "tokenizer_config.json", extra_special_tokens=[f"<{number}>" for number in range(100)])
    (model / "chat_template.jinja").write_text("<99>" + CHAT_TEMPLATE)
    base = load(base_models.parse(str(model)))
    with pytest.raises(ModelError, match="The tokenizer of model is another model's"):
        chat.prompt_ids(base, "what does it mean?")


@pytest.mark.parametrize("name", ["config.json", "additional_chat_templates/x.jinja", "vocab.txt", "merges.txt"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(model, name):
    import os

    (model / name).parent.mkdir(exist_ok=True)
    (model / name).unlink(missing_ok=True)
    os.mkfifo(model / name)
    with pytest.raises(ModelError):
        load(base_models.parse(str(model)))


def test_what_a_config_wants_of_the_outputs_is_nothing_to_us(model):
    before = load(base_models.parse(str(model)))
    ids = torch.arange(5)[None]
    edit(model / "config.json", return_dict=False, output_hidden_states=True)
    base = load(base_models.parse(str(model)))
    found = base.model.model(ids)
    assert found.hidden_states is None
    assert torch.equal(base.model(ids).logits, before.model(ids).logits)


def reward_model(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(0)
    about = LlamaConfig.from_pretrained(folder)
    about.num_labels = 1
    LlamaForSequenceClassification(about).save_pretrained(folder)


def test_a_reward_model_whose_scores_are_not_numbers_says_so(model):
    reward_model(model)
    weights = {name: value * float("nan") for name, value in load_file(model / WEIGHTS).items()}
    save_file(weights, model / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="The scores of model are not numbers"):
        ExternalReward(str(model)).raw(["hello"], ["you"])


def test_a_reward_model_reads_no_token_that_it_does_not_have(model):
    reward_model(model)
    edit(model / "config.json", return_dict=False)
    before = ExternalReward(str(model)).raw(["hello"] * 2, ["you", "a longer one"])
    edit(model / "tokenizer_config.json", pad_token="[PAD]", extra_special_tokens=[f"<{i}>" for i in range(50)])
    reward = ExternalReward(str(model))
    assert reward.raw(["hello"] * 2, ["you", "a longer one"]) == pytest.approx(before, abs=0.02)
    (model / "chat_template.jinja").write_text("<49>" + CHAT_TEMPLATE)
    with pytest.raises(ModelError, match="The tokenizer of model is another model's"):
        ExternalReward(str(model)).raw(["hello"], ["you"])


def test_a_model_without_a_layer_is_refused_by_the_names_of_its_weights(model, attempts):
    weights = {name: value for name, value in load_file(model / WEIGHTS).items() if "layers.1." not in name}
    save_file(weights, model / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks model\.layers\.1\.\S+ and \d+ more"):
        load(base_models.parse(str(model)))
    assert attempts == []


def test_a_reward_model_without_its_head_is_refused_by_its_name(model):
    edit(model / "config.json", id2label={"0": "reward"}, label2id={"reward": 0})
    with pytest.raises(ModelError, match=r"lacks score\.weight"):
        ExternalReward(str(model))


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_tied_head_need_not_be_in_the_file(tmp_path, architecture):
    """Nor the names that old files of GPT-2 have."""
    folder = make_tiny_model(tmp_path / "model", architecture=architecture)
    edit(folder / "config.json", tie_word_embeddings=True)
    weights = load_file(folder / WEIGHTS)
    del weights["lm_head.weight"]
    if architecture == "gpt2":
        weights = {name.removeprefix("transformer."): value for name, value in weights.items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    base = load(base_models.parse(str(folder)))
    assert base.unused == ()
    assert base.model.get_output_embeddings().weight is base.model.get_input_embeddings().weight


def test_what_a_file_holds_beside_the_model_is_said(model):
    weights = load_file(model / WEIGHTS) | {"model.layers.7.self_attn.q_proj.weight": torch.zeros(2)}
    save_file(weights, model / WEIGHTS, metadata={"format": "pt"})
    base = load(base_models.parse(str(model)))
    assert "not used of its files: model.layers.7.self_attn.q_proj.weight" in base.loaded(1).reason


def test_parts_that_an_index_names_are_read(model):
    weights = load_file(model / WEIGHTS)
    names = sorted(weights)
    files = {name: f"part-{index % 2}.safetensors" for index, name in enumerate(names)}
    for file in set(files.values()):
        chosen = {name: weights[name] for name in names if files[name] == file}
        save_file(chosen, model / file, metadata={"format": "pt"})
    (model / WEIGHTS).unlink()
    edit(model / INDEX, metadata={"total_size": 1}, weight_map=files)
    assert load(base_models.parse(str(model))).unused == ()


def test_loading_an_honest_model_asks_nobody(model, attempts):
    load(base_models.parse(str(model)))
    assert attempts == []


@pytest.mark.parametrize("changes", [{"hidden_size": "x" * 9}, {"num_attention_heads": 0}, {"text_config": 3}])
def test_memory_is_not_planned_for_a_shape_that_is_none(model, changes):
    from core.errors import KnownError

    edit(model / "config.json", **changes)
    with pytest.raises(KnownError):
        shape_of(base_models.parse(str(model)))


def gguf(path: Path, entries: int = 1, tensors: int = 0, rest: bytes = b"") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + rest)
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def number(name: str, value: int) -> bytes:
    return text(name) + struct.pack("<IQ", 10, value)


ARCHITECTURE = text("general.architecture") + struct.pack("<I", 8) + text("llama")
GGUFS = {
    "many tensors": {"tensors": 2**62},
    "many entries": {"entries": 2**62},
    "a long name": {"rest": struct.pack("<Q", 2**62)},
    "a long array": {"rest": text("x") + struct.pack("<IIQ", 9, 0, 2**62) + b"\0" * 100},
    "arrays that are long together": {
        "entries": 3,
        "rest": b"".join(text(f"x{i}") + struct.pack("<IIQ", 9, 0, 900_000) + bytes(900_000) for i in range(3)),
    },
    "a long token": {"rest": text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 1) + text("a" * 300_000)},
    "long tokens": {
        "rest": text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 1000) + text("a" * 1900) * 1000,
    },
    "arrays in arrays": {"rest": text("x") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100_000},
    "many layers": {"entries": 2, "rest": ARCHITECTURE + number("llama.block_count", 10**9)},
    "a tensor of 2^62 numbers": {
        "entries": 0, "tensors": 1, "rest": text("x") + struct.pack("<IQQIQ", 2, 2**31, 2**31, 0, 0),
    },
    "its end": {"entries": 5},
}  # fmt: skip


@pytest.mark.parametrize("attack", GGUFS)
def test_a_tampered_gguf_is_refused_at_once(tmp_path, attack, attempts):
    path = gguf(tmp_path / "model.gguf", **GGUFS[attack])
    with cheap(), pytest.raises(ModelError, match=r"model\.gguf cannot be read as a GGUF model"):
        list(fetch.ensure(base_models.parse(str(path))))
    assert attempts == []


def test_a_small_gguf_claims_no_more_layers_or_heads_than_models_have(tmp_path):
    """Each takes time and memory, though it has one number: minutes and gigabytes for a few MB."""
    layers = b"".join(text(f"blk.{i}.attn_norm.weight") + struct.pack("<IQIQ", 1, 1, 0, 4 * i) for i in range(600))
    path = gguf(tmp_path / "a.gguf", 2, 600, ARCHITECTURE + number("llama.block_count", 600) + layers + bytes(2400))
    with pytest.raises(ModelError, match=r"it claims llama\.block_count = 600, which is more than it holds or any"):
        gguf_header.check(path)
    one = text("x") + struct.pack("<IQIQ", 1, 5000, 0, 0) + bytes(20_000)
    path = gguf(tmp_path / "b.gguf", 2, 1, ARCHITECTURE + number("llama.attention.head_count", 5000) + one)
    with pytest.raises(ModelError, match=r"it claims llama\.attention\.head_count = 5000"):
        gguf_header.check(path)


def test_to_convert_a_gguf_takes_what_its_tensors_warrant(tmp_path, monkeypatch):
    def endless(*_, **__):
        while True:
            pass

    monkeypatch.setattr(allowance, "SECONDS", 0.2)
    monkeypatch.setattr(vetting, "check_size", endless)
    path = gguf(tmp_path / "model.gguf", rest=ARCHITECTURE)
    with cheap(seconds=4), pytest.raises(ModelError, match=r"The model in model\.gguf takes more than 0 seconds of"):
        list(fetch.ensure(base_models.parse(str(path))))


def test_a_gguf_is_read_without_what_lies_beside_it(tmp_path, attempts):
    """An adapter in the same folder named a base on the hub, and transformers asked for it."""
    adapter_beside(tmp_path)
    path = gguf(tmp_path / "model.gguf", rest=ARCHITECTURE)
    with pytest.raises(ModelError):
        list(fetch.ensure(base_models.parse(str(path))))
    assert attempts == []


def test_two_files_of_one_name_never_share_a_converted_model(tmp_path):
    import os

    one, other = gguf(tmp_path / "a" / "model.gguf"), gguf(tmp_path / "b" / "model.gguf", entries=2)
    folder = base_models.parse(str(one)).folder
    assert folder == base_models.parse(str(one)).folder
    assert folder != base_models.parse(str(other)).folder
    before = one.stat()
    gguf(one, entries=3)
    os.utime(one, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert one.stat().st_size == before.st_size and one.stat().st_mtime_ns == before.st_mtime_ns
    assert folder != base_models.parse(str(one)).folder


def test_the_format_of_an_export_is_that_of_the_model_and_of_nothing_beside_it(model):
    import os

    os.mkfifo(model / "aaa.safetensors")
    (model / "bbb.safetensors").write_bytes(b"garbage")
    assert export_job._stored_dtype(vetting.weight_files(model)) is torch.float32
    for formats, expected in (
        ([torch.int64], torch.float32),
        ([torch.bfloat16, torch.int64], torch.bfloat16),
        ([torch.bfloat16, torch.float32], torch.float32),  # the first would round the second
        ([torch.bfloat16, torch.float16], torch.float32),
    ):
        save_file({str(n): torch.zeros(1, dtype=each) for n, each in enumerate(formats)}, model / WEIGHTS)
        assert export_job._stored_dtype(vetting.weight_files(model)) is expected
