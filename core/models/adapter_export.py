"""A policy's adapter as others load it with PEFT alone: a folder of it, or of two where its base has one."""

import json
import shutil
from pathlib import Path
from typing import Any

from core.machine import adapter_folder
from core.machine.adapter_folder import CONFIG, WEIGHTS
from core.machine.base_models import ModelSpec
from core.models import vetting
from core.store.files import plain

#: The folders of the base's adapter and of the policy's, where there are two: neither lies where PEFT would take it for
#: the whole.
BASE, POLICY = "base", "policy"


def write(folder: Path, spec: ModelSpec, adapter: Path, tokenizer: Any) -> None:
    """The policy's `adapter` on the model `spec`, and the tokenizer. Raises `ModelError` for damaged files."""
    with vetting.offline():
        tokenizer.save_pretrained(folder)
    if spec.adapter:
        _copy(Path(spec.adapter), folder / BASE, spec.name)
        _copy(adapter, folder / POLICY, spec.public)
    else:
        _copy(adapter, folder, spec.public)


def _copy(source: Path, target: Path, base: str) -> None:
    target.mkdir(exist_ok=True)
    config = adapter_folder.fields(source) | {"base_model_name_or_path": base}
    (target / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with plain.opened(source / WEIGHTS) as file, (target / WEIGHTS).open("wb") as out:
        shutil.copyfileobj(file, out)
