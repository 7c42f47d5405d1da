"""What a project may ask for that reaches beyond its own folder."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Literal

from core.endpoints import address, given_key
from core.errors import BadInput, first_line
from core.machine import base_models, hub
from core.machine.base_models import ModelSpec
from core.store import open_project
from core.store.files.inside import followed
from core.trust import places, registry
from core.trust.registry import ProjectFile, Standing


@dataclass(frozen=True)
class Wish:
    """`words` say what is done, as part of a sentence. Of code there is the `module` (empty for a file), the `file`
    that it lies in, and the hash of that; a file's hash is empty until it was `seen`."""

    kind: Literal["code", "model", "file", "server", "network"]
    name: str
    words: str
    module: str = ""
    file: Path | None = None
    digest: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name}"

    def seen(self) -> "list[Wish]":
        """This as it is there now; and, where links lead from there to another place, that place. To be called only
        once a person let it be looked at. Raises `BadInput` for what is not there or never is a reward."""
        if self.file is None or self.module:
            return [self]
        try:
            place = followed(self.file)
            digest = places.hash_of_code(place) if self.kind == "code" else ""
        except (OSError, ValueError) as error:
            raise BadInput(f"{self.name!r:.200} cannot be used: {first_line(error)}.") from error
        if self.kind == "code":
            places.check_found(place)
        here = replace(self, digest=digest)
        if place == self.file:
            return [here]
        name = f"{place}:{self.name.rpartition(':')[2]}" if self.kind == "code" else str(place)
        words = f"{self.words}, which leads to {places.quoted(place)}"
        return [here, replace(here, name=name, words=words, file=place)]


class AskFirst(BadInput):
    """A person must be asked first; `allow` keeps that they agreed."""

    def __init__(self, project: ProjectFile, wishes: Sequence[Wish]) -> None:
        self.project, self.wishes = project, tuple(wishes)
        said = "; ".join(wish.words for wish in wishes)
        super().__init__(
            f"This needs your word first: {said}. Look at it, then allow it with `trust {quote(project.path)}`."
        )

    def allow(self) -> None:
        """The project may have been opened elsewhere while the question stood. Raises `KnownError` where it is gone."""
        with closing(open_project(Path(self.project.path))) as project:
            now = ProjectFile.of(project)
        if now.key != self.project.key:
            raise BadInput(f"Another project lies in {now.path} by now: open it again, and look at that one.")
        allow(now, self.wishes)


def allow(project: ProjectFile, wishes: Sequence[Wish]) -> None:
    """Keep that a person agreed to these, as they are now. Raises `BadInput` for what is not there."""
    more = {wish.key: wish.seen()[0].digest for wish in wishes}

    def with_these(found: Standing) -> Standing:
        return replace(found, allowed={**found.allowed, **more})

    registry.change(project, with_these)


def of_model(text: str, *, here: bool = False) -> list[Wish]:
    """The base model of this name, if it has to be fetched from the hub or lies elsewhere; with `here` also if it was
    fetched: whoever types its name agrees for later, too."""
    return of_fetching(base_models.parse(text), here=here)


def of_fetching(spec: ModelSpec, *, here: bool = False) -> list[Wish]:
    """The network, where a model has to be fetched from the hub; a place of this machine, or wherever it leads, of the
    model and of the adapter on it."""
    if spec.kind != "hub" or (base_models.is_ready(spec) and not here):
        return of_looking(spec)
    fetches = Wish("model", f"hub:{spec.source}", f"it fetches the model {places.quoted(spec.source)} from the hub")
    return [fetches, *_of_token(spec), *of_looking(spec)]


def _of_token(spec: ModelSpec) -> list[Wish]:
    """A person's token, which the hub is shown where there is one."""
    words = f"it shows the hub your token to fetch the model {places.quoted(spec.source)}"
    return [Wish("model", f"token for hub:{spec.source}", words)] if hub.has_token() else []


def of_looking(spec: ModelSpec) -> list[Wish]:
    """A model, or the adapter on it, that lies outside the project: on Windows a look at `\\\\host\\share` tells the
    host who looks."""
    found = []
    if spec.is_local:
        found.append(_of_place(spec.source, f"it uses the model in {places.quoted(spec.source)}"))
    if spec.adapter:
        found.append(_of_place(spec.adapter, f"it puts the adapter in {places.quoted(spec.adapter)} on its base model"))
    return found


def _of_place(place: str, words: str) -> Wish:
    return Wish("model", place, words, file=Path(place))


def of_reward_model(text: str) -> list[Wish]:
    """The reward model of this name, which was made elsewhere."""
    if not text:
        return []
    spec = base_models.parse(text)
    name = f"hub:{spec.source}" if spec.kind == "hub" else spec.source
    words = f"it scores with the reward model {places.quoted(name)}, which was made elsewhere"
    if spec.kind != "hub":
        return [_of_place(name, words)]
    return [Wish("model", name, words), *([] if base_models.is_ready(spec) else _of_token(spec))]


def of_server(text: str) -> list[Wish]:
    """A server of this machine that is asked, or one elsewhere, to which what is asked goes over the network. Raises
    `BadInput` for what is no address."""
    if not text:
        return []
    found = address.parse(text)
    words = f"it sends prompts and answers to {places.quoted(found.url)}"
    kind: Literal["server", "network"] = "server" if found.is_loopback else "network"
    how = ", unencrypted" if found.is_open else ""
    where = "a server on this machine" if found.is_loopback else f"which is not this machine{how}"
    shown = f"it shows {places.quoted(found.url)} the key that stands in {given_key.VARIABLE}"
    key = [Wish("network", f"key for {found.url}", shown)] if given_key.is_for_any() else []
    return [Wish(kind, found.url, f"{words}, {where}"), *key]


def of_file(path: str) -> list[Wish]:
    """A file or folder outside the project that a job reads or writes, by its words alone."""
    if not path:
        return []
    place = place_of(path)
    return [Wish("file", str(place), f"it uses the file or folder {places.quoted(place)}", file=place)]


def place_of(path: str) -> Path:
    """The file or folder that a job's settings name: one and the same for the question and for the job. Raises
    `BadInput` for what is no path, or is another from each folder."""
    place = typed(path)
    if not Path(path).expanduser().is_absolute():
        raise BadInput(f"{path!r:.200} is only a part of a path: start the job anew with all of it.")
    return place


def typed(path: str) -> Path:
    """The same of what a person typed here. Raises `BadInput` for what is no path."""
    try:
        return places.spelled(str(Path(path).expanduser()))
    except (ValueError, RuntimeError) as error:  # a byte that no path has, nobody's home
        raise BadInput(f"{path!r:.200} is no path ({first_line(error)}): name another file or folder.") from error
