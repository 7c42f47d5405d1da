"""The one way a tokenizer is loaded from a model's folder, whoever asks: looked at first, without a network or code.

Its config names the class that reads it, and transformers would take anything of that name: a model, which is made and
may bring code of the folder's own along, or a processor, which asks the hub for whatever the folder names.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

from core.errors import ModelError
from core.machine.base_models import ModelSpec
from core.machine.model_files import MOST_INDEX, read_json
from core.models import allowance, tokenizer_probe, tokenizer_rules, vetting

#: transformers leaves this ending out, or adds it, until it finds a class.
FAST = "Fast"
CLASS, KIND = "tokenizer_class", "model_type"
#: Tokens by name or in lists, each of which is looked for among all the others; published ones have some thousand.
MOST_NAMED = 5000
#: No vocabulary is so large: what lies between a number and those before it is made up.
MOST_NUMBER = 2_000_000
#: Arguments that are a tokenizer's content, or where it lies; those that end with `_file` transformers sets itself.
ARGUMENTS = {"vocab", "merges", "gguf_file", "init_inputs"}
#: Settings of another library (`sudachi_kwargs`, `sp_model_kwargs`): it would read, or run, files that they name.
OF_OTHERS = "_kwargs"
#: Entries of several parts that transformers writes; in any other there are none but tokens.
SEVERAL = {
    "added_tokens_decoder", "auto_map", "chat_template", "extra_special_tokens", "id2lang", "lang2id",
    "model_specific_special_tokens", "response_schema", "response_template",
}  # fmt: skip
TOKEN = {"__type", "content", "id", "lstrip", "normalized", "rstrip", "single_word", "special"}
#: Tokens by their numbers, and the file of tokens with theirs.
BY_NUMBER, ADDED = "added_tokens_decoder", "added_tokens.json"


def load(spec: ModelSpec) -> Any:
    """The tokenizer of a model that is here. Raises `ModelError` for what is not used, and whatever transformers says
    of files that it cannot read."""
    if spec.kind != "embedded":  # that one's hash is known
        vetting.check_folder(spec.folder)
        check_class(spec.folder)
        check_arguments(spec.folder)
        check_tokens(spec.folder)
        tokenizer_probe.check(spec.folder)
    with allowance.for_tokenizer(spec.folder):
        found = _loaded(spec.folder)
    if not (spec.folder / "tokenizer.json").is_file() and isinstance(found, PreTrainedTokenizerFast):
        tokenizer_probe.check_made(found.backend_tokenizer, spec.folder)
    return found


def load_of_gguf(gguf: Path) -> Any:
    """The tokenizer in a GGUF file that lies alone in its folder."""
    return _loaded(gguf.parent, gguf_file=gguf.name)


def _loaded(folder: Path, **more: Any) -> Any:
    os.environ["TIKTOKEN_CACHE_DIR"] = ""  # it would take what it once read at a path for what lies there now
    with vetting.offline():
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **more)
    vetting.check_templates(found, folder)
    return found


def check_class(folder: Path) -> None:
    """Raise a `ModelError` where the folder's files would have anything but a tokenizer's class read its tokenizer."""
    for path in (folder / "tokenizer_config.json", folder / "config.json"):
        for key, value in vetting.entries(read_json(path, MOST_INDEX) if path.exists() else {}):
            if key in (CLASS, KIND) and value is not None and not all(map(_is_tokenizer, _classes(key, value))):
                raise ModelError(f"{path} names what is no tokenizer ({key}: {value!r:.80}): {vetting.ANOTHER}.")


def check_arguments(folder: Path) -> None:
    """Raise a `ModelError` where a file gives the tokenizer's class more than its own files have: paths, which it would
    read, and an export would copy, settings for what reads its texts, or numbers of which it makes tokens."""
    config, special = folder / "tokenizer_config.json", folder / "special_tokens_map.json"
    found = read_json(config, MOST_INDEX) if config.exists() else {}
    named = [(config, key) for key, value in found.items() if value and not _is_written(key, value)]
    found = read_json(special, MOST_INDEX) if special.exists() else {}
    named += [(special, key) for key in found if not key.endswith(("_token", "_tokens"))]
    if named:
        path, key = named[0]
        raise ModelError(f"{path} has an entry that no tokenizer has ({key:.80}): {vetting.ANOTHER}.")
    for path in filter(Path.exists, (config, special)):
        for key, value in vetting.entries(read_json(path, MOST_INDEX)):
            most = MOST_NUMBER if key.endswith("_id") else tokenizer_rules.MOST_ADDED
            if not key.endswith("length") and any(number > most for number in vetting.numbers_within(value)):
                raise ModelError(f"{path} has an absurd number ({key:.80}: {value!r:.80}): {vetting.ANOTHER}.")


def _is_written(key: str, value: object) -> bool:
    """Is it an entry that transformers writes into a tokenizer's config, by its name and its shape?"""
    if key in ARGUMENTS or key.endswith(OF_OTHERS):
        return False
    return key in SEVERAL or all(found.keys() <= TOKEN for found in _objects(value))


def _objects(value: object) -> Iterator[dict[str, object]]:
    """JSON objects, alone or in lists of lists."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
        elif isinstance(found, list):
            waiting += found


def check_tokens(folder: Path) -> None:
    """Raise a `ModelError` for tokens beside the tokenizer's own file that would take for ever to add."""
    for name in ("tokenizer_config.json", "special_tokens_map.json", ADDED):
        path = folder / name
        found = read_json(path, MOST_INDEX) if path.exists() else {}
        added = found if name == ADDED else found.get(BY_NUMBER)
        named = {key: value for key, value in found.items() if name != ADDED and key != BY_NUMBER and "token" in key}
        count = sum(len(value) if isinstance(value, list | dict) else 1 for value in named.values())
        many = len(added) if isinstance(added, Mapping) else 0
        if many > tokenizer_rules.MOST_ADDED or count > MOST_NAMED:
            raise ModelError(f"{path} adds {max(many, count)} tokens: {vetting.ANOTHER}.")
        if isinstance(added, Mapping) and not all(map(_is_number, added.values() if name == ADDED else added)):
            raise ModelError(f"{path} adds a token by a number that none has: {vetting.ANOTHER}.")
        if (longest := max(map(len, _texts([named, added])), default=0)) > tokenizer_rules.MOST_TOKEN:
            raise ModelError(f"{path} has a token of {longest} characters: {vetting.ANOTHER}.")


def _is_number(value: object) -> bool:
    """Of a token, as text or not."""
    return (isinstance(value, str) and value.isdecimal() and len(value) < 8 and int(value) < MOST_NUMBER) or (
        isinstance(value, int) and 0 <= value < MOST_NUMBER
    )


def _texts(value: object) -> Iterator[str]:
    """All there are in JSON, keys as well."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found


def _classes(key: str, value: object) -> Iterator[object]:
    """What transformers may find by a name; nothing for a kind of model whose tokenizer is in no table."""
    if not isinstance(value, str):
        yield value
    elif key == KIND:
        if registered := TOKENIZER_MAPPING_NAMES.get(value):
            yield tokenizer_class_from_name(registered)
    else:
        plain = value.removesuffix(FAST)
        yield from filter(None, map(tokenizer_class_from_name, {value, plain, plain + FAST}))


def _is_tokenizer(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, PreTrainedTokenizerBase)
