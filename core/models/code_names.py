"""Names of code that a base brings along: never run here, and in nothing that is written here, where they would be run
under our name by whoever loads it with `trust_remote_code`."""

import json
from pathlib import Path
from typing import Any

from core.machine.model_files import MOST_INDEX, read_json
from core.store.files import plain

#: Files that are neither the model's nor its tokenizer's.
PROCESSORS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json", *PROCESSORS)
#: Entries by which transformers finds code.
NAMES = {"auto_map", "custom_generate", "custom_pipelines"}


def leave_out(folder: Path) -> None:
    """Write the configs in a model's folder anew that name code, without it. Raises `ModelError` for what is none."""
    for path in map(folder.joinpath, CONFIGS):
        if path.is_file():
            _leave_out(path)


def _leave_out(path: Path) -> None:
    named: set[str] = set()

    def without(values: dict[str, Any]) -> dict[str, Any]:
        named.update(NAMES & values.keys())
        return {key: value for key, value in values.items() if key not in NAMES}

    read_json(path, MOST_INDEX)
    found = json.loads(plain.content(path, MOST_INDEX), object_hook=without)
    if named:
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
