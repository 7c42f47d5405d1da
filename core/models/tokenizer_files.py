"""The one way a tokenizer is loaded from a model's folder, whoever asks: looked at first, without a network or code.

Its config names the class that reads it, and transformers would take anything of that name: a model, which is made and
may bring code of the folder's own along, or a processor, which asks the hub for whatever the folder names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

from core.errors import ModelError
from core.machine.base_models import ModelSpec
from core.machine.model_files import MOST_INDEX, read_json
from core.models import tokenizer_probe, vetting

#: transformers leaves this ending out, or adds it, until it finds a class.
FAST = "Fast"
CLASS, KIND = "tokenizer_class", "model_type"


def load(spec: ModelSpec) -> Any:
    """The tokenizer of a model that is here. Raises `ModelError` for what is not used, and whatever transformers says
    of files that it cannot read."""
    if spec.kind != "embedded":  # that one's hash is known
        vetting.check_folder(spec.folder)
        check_class(spec.folder)
        tokenizer_probe.check(spec.folder)
    return _loaded(spec.folder)


def load_of_gguf(gguf: Path) -> Any:
    """The tokenizer in a GGUF file that lies alone in its folder."""
    return _loaded(gguf.parent, gguf_file=gguf.name)


def _loaded(folder: Path, **more: Any) -> Any:
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
