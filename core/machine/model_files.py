"""Reads what lies in a model's or an adapter's folder, a stranger's perhaps: as data, and with limits. No torch."""

import os
from pathlib import Path
from typing import Any

from core.errors import BadInput, ModelError, first_line
from core.store.files import plain

#: Bytes. The largest `config.json` of a published model has some 20 kB, the largest index some 10 MB.
MOST_JSON = 2_000_000
MOST_INDEX = 64_000_000
#: Things of which each costs time or memory, weights or not; real ones are below some hundreds. And layers one after
#: the other; the deepest published models have some 130.
MOST_THINGS, MOST_LAYERS = 4096, 512


def read_json(path: Path, most: int = MOST_JSON) -> dict[str, Any]:
    """The object in a JSON file of `most` bytes. Raises `ModelError` that says what is wrong with it."""
    try:
        if not path.is_file():
            raise ModelError(f"{path} is not there or is no file: fetch the model again, or choose another.")
        if path.stat().st_size > most:
            raise ModelError(f"{path} is larger than {most / 1e6:.0f} MB, which no model needs: choose another model.")
        found = plain.parsed(path, most)
    except (BadInput, OSError) as error:
        cause = error.__cause__ or error
        why = "it is too deep" if isinstance(cause, RecursionError) else first_line(cause)
        raise ModelError(f"{path} cannot be read ({why}): fetch the model again, or choose another.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no JSON object: fetch the model again, or choose another.")
    return found


def leads_out(path: Path, folder: Path) -> bool:
    """Is it a link to what is neither in the folder nor in the store of the hub's cache that holds the folder?"""
    place, folder = Path(os.path.realpath(path)), folder.resolve()  # which take links in a circle as they are
    stores = [each.parent / "blobs" for each in folder.parents if each.name == "snapshots"]
    return path.is_symlink() and not (place.is_relative_to(folder) or place.parent in stores)


def has_chat_template(folder: Path) -> bool:
    """Does the model that lies here say how conversations are put to it?"""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(read_json(config, MOST_INDEX).get("chat_template"))
