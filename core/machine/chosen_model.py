"""The base model that a person types, perhaps with an adapter on it. No torch."""

import os
from pathlib import Path

from core.errors import BadInput
from core.machine import adapter_folder, base_models
from core.machine.base_models import ModelSpec


def chosen(name: str, adapter: str = "") -> ModelSpec:
    """The model of this name, with the adapter in a PEFT folder on it if one is named. A PEFT folder as the name stands
    for the adapter and the model that its config names, if Plumbline brought that to this machine.

    Nothing is fetched, and no place is looked at that an adapter's config names. Reads all of the adapter's files; the
    model itself is not looked at (`base_models.check`). Raises `BadInput` for what names nothing, `ModelError` for an
    adapter that cannot be used.
    """
    spec = base_models.parse(name)
    if not adapter and spec.kind == "folder" and adapter_folder.is_adapter(spec.folder):
        adapter, spec = spec.source, _named_in(spec.folder)
    if adapter:
        place = Path(os.path.abspath(os.path.expanduser(adapter)))
        if not place.is_dir():
            raise BadInput(f"{place} is not there: choose the folder of a LoRA adapter in PEFT's format.")
        adapter_folder.fields(place)
        spec = base_models.with_adapter(spec, str(place), adapter_folder.content_hash(place))
    return spec


def reads_an_adapter(name: str, adapter: str) -> bool:
    """Does `chosen` read the files of an adapter, which may take a second?"""
    spec = base_models.parse(name)
    return bool(adapter) or (spec.kind == "folder" and adapter_folder.is_adapter(spec.folder))


def _named_in(folder: Path) -> ModelSpec:
    """The model that an adapter's config says it was trained on: one that is here."""
    named = str(adapter_folder.fields(folder).get("base_model_name_or_path") or "")
    embedded = base_models.parse(base_models.EMBEDDED)
    if named == str(embedded.folder):
        return embedded
    if base_models.is_hub_id(named) and base_models.is_ready(found := base_models.parse(f"hub:{named}")):
        return found
    if Path(named).parent in (base_models.models_folder(), base_models.gguf_folder()):
        return base_models.parse(named)
    said = f"says that it was trained on {named!r:.200}" if named else "does not say what it was trained on"
    raise BadInput(
        f"{folder} holds an adapter, which {said}: name its base model (--model NAME --adapter {folder}). It is "
        "neither looked for nor fetched by what an adapter says."
    )
