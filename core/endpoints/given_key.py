"""A key in the environment, for machines without a keyring, such as those without a screen."""

import os

from core.endpoints.address import SCHEMES, Address, parse

#: `ADDRESS=KEY`, or the key of whatever server is asked.
VARIABLE = "PLUMBLINE_SERVER_KEY"


def of(address: Address) -> str:
    """Empty where there is none for it. Raises `BadInput` where the environment names an address that is none."""
    given = os.environ.get(VARIABLE, "")
    if not _is_bound(given):
        return given
    where, _, key = given.partition("=")
    return key if parse(where).url == address.url else ""


def is_for_any() -> bool:
    """Is there one that whatever server is asked is shown?"""
    given = os.environ.get(VARIABLE, "")
    return bool(given) and not _is_bound(given)


def _is_bound(given: str) -> bool:
    return given.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))
