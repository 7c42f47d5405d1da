"""`python -m tests.zoo` writes the guide's page *Which models work* from what `test_zoo` asserts of each family."""

from pathlib import Path

from tests.zoo.families import CACHE, FAMILIES, LAID_OUT, REFUSED, WHOLE, Family

PAGE = Path(__file__).resolve().parents[2] / "resources" / "guide" / "models.md"
HEAD = """# Which models work

Any causal language model of a kind that transformers knows, as safetensors or GGUF. This page is written by the tests:
a tiny random model of each family below goes through the whole loop, from prompts to an exported model. In float32 its
log-probabilities and states, with an adapter and without, are within 0.0001 of what transformers and peft say of every
sequence alone, gradients of the adapter within 0.0001 of the largest, and greedy texts are the same. The export loads
with these two alone, and gives within 0.0001 what the policy gave; so does the code on a reward model's card.

A family that is not here is tried when it is loaded: two short prompts go through it by each way that it could be read,
and a way that differs from the model's own logits is not taken. Where none is right, the model is refused.

## Families

The three ways, from the fastest: **laid out**, all sequences in one row without padding; **cache**, each answer goes on
from its prompt's cache; **whole**, each text anew, which takes longest. One way for writing, scoring and training, or
three. Those with a *window* go by their cache where a text is longer than their sliding window.

| models | read | to know |
| --- | --- | --- |
"""
MIDDLE = """
Adapters are put on linear layers. Experts that lie in one tensor (most mixtures of experts) stay as they are, and so do
towers for images, and the output layers of Mamba's kind, which PEFT refuses.

## A base with an adapter in it

A base model may be one with a LoRA adapter in it, yours or anybody's, in PEFT's format:
`new DIR --model NAME --adapter FOLDER`, `model DIR NAME --adapter FOLDER`, or *Adapter in it* where the window makes a
project. The adapter is read as any other: plain LoRA (DoRA, ranks by layer) in safetensors. Its folder is named with
the SHA-256 of its files, and files that changed or are gone are refused. When the model is loaded the adapter is merged
into its weights, each sum in float32 and rounded once, and compared with what the two say apart; every job then works
with both as one base, and a run puts its own adapter on top. In bfloat16 rounding takes a part of a small adapter: the
job's notes say how much, and one of which nearly nothing would be left is refused. An adapter on a layer that shares
its weights with another one cannot be merged and is refused, and so is `--base-bits 4`.

An adapter's folder as `--model` stands for both, if Plumbline itself brought the model that its config names to this
machine; what is anywhere else is named by you, because what an adapter says is neither looked for nor fetched. The
tokenizer and the chat template are the base's; `chat-settings` chooses another template. What was tuned on both is not
used on the base alone. `export-model` writes everything as one model or GGUF, or with `--format adapter` both adapters,
with a card whose code puts them together with transformers and peft alone
[`tests/core/models/test_adapted_base.py`].

## What is refused

| models | why |
| --- | --- |
"""
MORE = {
    "quantized models (GPTQ, AWQ, bitsandbytes)": "choose the model that they were made from; `--base-bits 4` holds "
    "one in 4 bits. Weights in 8 bits (fp8) are read as plain numbers",
    "models with code of their own": "no code from a model's folder is run",
    "`.bin` and `.pt` files": "pickles can run code",
    "files that lack weights, or are git's pointers to them": "nothing is drawn at random in their place",
    "a GGUF file that is one of several parts": "put the parts together first",
    "a folder with an adapter beside the model": "name the model, and the adapter beside it (`--adapter`)",
    "folders without a tokenizer, or with another model's": "the numbers would mean something else",
}
TAIL = """
Models without a chat template work with a plain one (`User:` and `Assistant:`), or with one that you choose
(`chat-settings`). Which card a size fits on is on the page [What fits, and several processes](machines.md).
"""
NAMES = {LAID_OUT: "laid out", CACHE: "cache", WHOLE: "whole"}


def read(family: Family) -> str:
    ways = [NAMES[way] for way in family.ways]
    found = ways[0] if len(set(ways)) == 1 else ", ".join(ways)
    return found + (", window" if family.window else "")


def page() -> str:
    rows = [f"| {family.models} | {read(family)} | {family.remark} |" for family in FAMILIES]
    refused = [f"| {each.models} | {each.why} |" for each in REFUSED]
    refused += [f"| {models} | {why} |" for models, why in MORE.items()]
    return HEAD + "\n".join(rows) + "\n" + MIDDLE + "\n".join(refused) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
