"""A key in the environment, for machines without a keyring, such as those without a screen."""

import os

from core.endpoints.address import Address, parse

#: `ADDRESS=KEY`, or the key of whatever server is asked.
VARIABLE = "PLUMBLINE_SERVER_KEY"


def of(address: Address) -> str:
    """Empty where there is none for it. Raises `BadInput` where the environment names an address that is none."""
    where, key = _given()
    return key if not where or parse(where).url == address.url else ""


def is_for_any() -> bool:
    """Is there one that whatever server is asked is shown?"""
    where, key = _given()
    return bool(key) and not where


def _given() -> tuple[str, str]:
    """The address that the key is of, as it was written, and the key. What stands before a `=` and may be an address is
    taken for one: a key that is in doubt goes to nobody."""
    given = os.environ.get(VARIABLE, "").strip().strip("'\"").strip()
    where, _, key = given.partition("=")
    is_address = key.strip("=") and (any(mark in where for mark in ":.[") or where.lower() == "localhost")
    return (where, key) if is_address or "://" in where else ("", given)
