"""Tokenizers and chat templates of the shapes that families have: which tokens they know, what begins and ends a turn,
what they refuse. The vocabulary is of single bytes, so that nothing has to be trained."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOP = "{% for m in messages %}"
ASK = "{% endfor %}{% if add_generation_prompt %}"
END = "{% endif %}"
ALTERNATE = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
)

CHATML = LOOP + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n" + ASK + "<|im_start|>assistant\n" + END
THINKING = (
    LOOP + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n" + ASK + "<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}" + END
)
PARTS = (
    LOOP + "<|im_start|>{{ m.role }}\n{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n" + ASK + "<|im_start|>assistant\n" + END
)
DATED = (
    "{{ bos_token }}{% if strftime_now is defined %}{% set day = strftime_now('%d %b %Y') %}{% else %}"
    "{% set day = '26 Jul 2024' %}{% endif %}<|start_header_id|>system<|end_header_id|>\n\nToday Date: {{ day }}\n\n"
    "<|eot_id|>"
    + LOOP
    + "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
    + ASK
    + "<|start_header_id|>assistant<|end_header_id|>\n\n"
    + END
)
INST = (
    LOOP + ALTERNATE + "{% if m.role == 'user' %}{{ bos_token }}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + LOOP
    + ALTERNATE
    + "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
    + ASK
    + "<start_of_turn>model\n"
    + END
)
PHI = LOOP + "<|{{ m.role }}|>\n{{ m.content }}<|end|>\n" + ASK + "<|assistant|>\n{% else %}{{ eos_token }}" + END
ZEPHYR = LOOP + "<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n" + ASK + "<|assistant|>\n" + END
GRANITE = (
    LOOP + "<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}<|end_of_text|>\n" + ASK
    + "<|start_of_role|>assistant<|end_of_role|>" + END
)  # fmt: skip
COHERE = (
    "{{ bos_token }}" + LOOP + "<|START_OF_TURN|>{{ '<|USER|>' if m.role == 'user' else '<|CHATBOT|>' }}{{ m.content }}"
    "<|END_OF_TURN|>" + ASK + "<|START_OF_TURN|><|CHATBOT|>" + END
)
HARMONY = (
    "<|start|>system<|message|>You are a model.<|end|>"
    + LOOP
    + "<|start|>{{ m.role }}<|message|>{{ m.content }}"
    + "{{ '<|return|>' if loop.last and m.role == 'assistant' else '<|end|>' }}"
    + ASK
    + "<|start|>assistant"
    + END
)
DEEPSEEK = (
    "{{ bos_token }}" + LOOP + "{% if m.role == 'user' %}<User>{{ m.content }}{% else %}<Assistant>{{ m.content }}"
    "{{ eos_token }}{% endif %}" + ASK + "<Assistant>" + END
)


@dataclass(frozen=True)
class Tongue:
    specials: tuple[str, ...]
    template: str
    eos: str
    pad: str = ""
    bos: str = ""
    pieces: bool = False
    """Bytes as sentencepiece keeps them, with an unknown token, instead of GPT-2's letters."""
    ends: tuple[str, ...] = ()
    """What the generation config ends at, where that is more than `eos`."""


IM = Tongue(("<|endoftext|>", "<|im_start|>", "<|im_end|>"), CHATML, "<|im_end|>", "<|endoftext|>")
QWEN = Tongue(IM.specials, CHATML, IM.eos, IM.pad, ends=("<|im_end|>", "<|endoftext|>"))
QWEN3 = Tongue(IM.specials, THINKING, IM.eos, IM.pad, ends=QWEN.ends)
IN_PARTS = Tongue(IM.specials, PARTS, IM.eos, IM.pad)
LLAMA3 = Tongue(  # without a padding token, as published
    ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"),
    DATED, "<|eot_id|>", bos="<|begin_of_text|>", ends=("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
)  # fmt: skip
LLAMA2 = Tongue(("<unk>", "<s>", "</s>"), INST, "</s>", bos="<s>", pieces=True)
GOOGLE = Tongue(
    ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"), GEMMA, "<eos>", "<pad>", "<bos>",
    pieces=True, ends=("<eos>", "<end_of_turn>"),
)  # fmt: skip
PHI3 = Tongue(
    ("<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"), PHI,
    "<|endoftext|>", "<|endoftext|>", "<s>", pieces=True, ends=("<|endoftext|>", "<|assistant|>", "<|end|>"),
)  # fmt: skip
BARE = Tongue(("<|endoftext|>",), "", "<|endoftext|>", bos="<|endoftext|>")
OPT = Tongue(("<s>", "<pad>", "</s>", "<unk>"), "", "</s>", "<pad>", "</s>")
BLOOM = Tongue(("<unk>", "<s>", "</s>", "<pad>"), "", "</s>", "<pad>", "<s>")
TULU = Tongue(BARE.specials, ZEPHYR, BARE.eos, BARE.eos, BARE.eos)
IBM = Tongue(
    ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"), GRANITE, "<|end_of_text|>", "<|end_of_text|>",
    "<|end_of_text|>",
)  # fmt: skip
COMMAND = Tongue(
    ("<PAD>", "<BOS_TOKEN>", "<EOS_TOKEN>", "<|START_OF_TURN|>", "<|END_OF_TURN|>", "<|USER|>", "<|CHATBOT|>"), COHERE,
    "<|END_OF_TURN|>", "<PAD>", "<BOS_TOKEN>",
)  # fmt: skip
OPENAI = Tongue(
    ("<|startoftext|>", "<|endoftext|>", "<|return|>", "<|start|>", "<|message|>", "<|end|>", "<|call|>"), HARMONY,
    "<|return|>", "<|endoftext|>", "<|startoftext|>", ends=("<|return|>", "<|endoftext|>", "<|call|>"),
)  # fmt: skip
WHALE = Tongue(("<bos>", "<eos>", "<User>", "<Assistant>"), DEEPSEEK, "<eos>", "<eos>", "<bos>")


def write(tongue: Tongue, folder: Path) -> Any:
    """Save the tokenizer to `folder`; returns it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if tongue.pieces:
        letters = [*(f"<0x{byte:02X}>" for byte in range(256)), *map(chr, range(33, 127)), "▁"]
        decoder: Any = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]  # type: ignore[list-item]
        )
        more = {"byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True}
    else:
        letters, decoder, more = sorted(pre_tokenizers.ByteLevel.alphabet()), decoders.ByteLevel(), {}
    vocabulary = {token: number for number, token in enumerate([*tongue.specials, *letters])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[], **more))
    made.decoder = decoder
    made.pre_tokenizer = (
        pre_tokenizers.Metaspace(prepend_scheme="never", split=True)
        if tongue.pieces
        else pre_tokenizers.ByteLevel(add_prefix_space=False)
    )
    named = {"eos_token": tongue.eos, "pad_token": tongue.pad, "bos_token": tongue.bos}
    named = {key: token for key, token in named.items() if token}
    named |= {"unk_token": "<unk>"} if tongue.pieces else {}
    others = [token for token in tongue.specials if token not in named.values()]
    fast = PreTrainedTokenizerFast(tokenizer_object=made, additional_special_tokens=others, **named)
    if tongue.template:
        fast.chat_template = tongue.template
    fast.save_pretrained(folder)
    return fast
