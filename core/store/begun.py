"""What a change was begun over. Of each part that may be typed over, a digest of what was saved then: a draft keeps it,
so that whoever goes on with it later writes over nothing that was saved elsewhere since without a word."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

#: Where a draft keeps it, beside what is typed.
BEGUN = "begun"


def digest(text: str) -> str:
    """By which a text that was saved is known again."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digests(saved: Mapping[str, str]) -> dict[str, str]:
    """Of each part of what is saved: what a change is over that is begun now."""
    return {part: digest(text) for part, text in saved.items()}


def begun_over(draft: object, now: Mapping[str, str]) -> dict[str, str]:
    """What a draft was begun over; `now` has the digests of what is saved by now. Drafts of earlier versions do not say
    it, and count as begun over that."""
    said = draft.get(BEGUN) if isinstance(draft, dict) else None
    known = said if isinstance(said, dict) else {}
    return {part: found if isinstance(found := known.get(part), str) else own for part, own in now.items()}


@dataclass(frozen=True)
class Change:
    """Texts by part, as they are typed, and what each was `begun` over. Blanks around them do not count."""

    typed: Mapping[str, str]
    begun: Mapping[str, str]

    @classmethod
    def read(cls, draft: Mapping[str, Any], saved: Mapping[str, str]) -> "Change":
        """What `kept` gave; a part that is not in it is as it is `saved`."""
        return cls(
            {part: str(draft.get(part, text)) for part, text in saved.items()}, begun_over(draft, digests(saved))
        ).over(saved)

    def own(self, saved: Mapping[str, str]) -> list[str]:
        """The parts that would be another than what is `saved`."""
        return [part for part, text in saved.items() if self.typed[part].strip() != text]

    def foreign(self, saved: Mapping[str, str]) -> list[str]:
        """Those of them that were saved elsewhere since they were begun."""
        return [part for part in self.own(saved) if self.begun[part] != digest(saved[part])]

    def over(self, saved: Mapping[str, str]) -> "Change":
        """Over what is `saved` by now: parts that nobody typed in are as that has them."""
        now = digests(saved)
        own = [part for part in self.own(saved) if digest(self.typed[part].strip()) != self.begun[part]]
        kept = {part: text for part, text in self.typed.items() if part in own or text.strip() == saved[part]}
        return Change({**saved, **kept}, {**now, **{part: self.begun[part] for part in own}})

    def without(self, undone: "Change", saved: Mapping[str, str]) -> "Change":
        """Saving another one was undone: what is typed over that is over what that was begun over."""
        own = {part: digest(undone.typed[part].strip()) for part in self.own(saved)}
        return self._moved({part: undone.begun[part] for part, text in own.items() if self.begun[part] == text})

    def with_again(self, redone: "Change", saved: Mapping[str, str]) -> "Change":
        """Saving it was done again."""
        own = [part for part in self.own(saved) if self.begun[part] == redone.begun[part]]
        return self._moved({part: digest(redone.typed[part].strip()) for part in own})

    def _moved(self, begun: Mapping[str, str]) -> "Change":
        return replace(self, begun={**self.begun, **begun})

    def kept(self, saved: Mapping[str, str]) -> dict[str, Any] | None:
        """As a draft: the parts that somebody typed in. None for none."""
        own = self.own(saved)
        typed = {part: self.typed[part] for part in own}
        return {**typed, BEGUN: {part: self.begun[part] for part in own}} if own else None
