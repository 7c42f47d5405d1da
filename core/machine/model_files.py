"""Reads what lies in a model's or an adapter's folder, a stranger's perhaps: as data, and with limits. No torch."""

import json
from pathlib import Path
from typing import Any

from core.errors import ModelError, first_line

#: Bytes. The largest `config.json` of a published model has some 20 kB, the largest index some 10 MB.
MOST_JSON = 2_000_000
MOST_INDEX = 64_000_000


def read_json(path: Path, most: int = MOST_JSON) -> dict[str, Any]:
    """The object in a JSON file of `most` bytes. Raises `ModelError` that says what is wrong with it."""
    try:
        if not path.is_file():  # also a pipe or a device, which would never end
            raise ModelError(f"{path} is not there or is no file: fetch the model again, or choose another.")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ModelError(f"{path} is larger than {most / 1e6:.0f} MB, which no model needs: choose another model.")
        found = json.loads(content)
    except (RecursionError, ValueError, OSError) as error:
        why = "it is too deep" if isinstance(error, RecursionError) else first_line(error)
        raise ModelError(f"{path} cannot be read ({why}): fetch the model again, or choose another.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no JSON object: fetch the model again, or choose another.")
    return found


def has_chat_template(folder: Path) -> bool:
    """Does the model that lies here say how conversations are put to it?"""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(read_json(config, MOST_INDEX).get("chat_template"))
