"""The keys of servers, which lie in the keyring of the person's system and nowhere else."""

import keyring
from keyring.errors import KeyringError

from core.endpoints import given_key
from core.endpoints.address import Address
from core.endpoints.given_key import VARIABLE as VARIABLE
from core.errors import BadInput, first_line

SERVICE = "Plumbline"


def of(address: Address) -> str:
    """The key that is kept for an address; empty where there is none. The environment's goes first.

    Raises `BadInput` where the environment names an address that is none."""
    if found := given_key.of(address):
        return found
    try:
        return keyring.get_password(SERVICE, address.url) or ""
    except KeyringError:
        return ""


def keep(address: Address, key: str) -> None:
    """Raises `BadInput` for what no server takes, and where there is no keyring."""
    if not key.isascii() or not key.isprintable() or not key.strip():
        raise BadInput("A key is made of plain letters, digits and signs: copy it once more.")
    try:
        keyring.set_password(SERVICE, address.url, key.strip())
    except KeyringError as error:
        raise BadInput(
            f"This system keeps no keys ({first_line(error)}): put the key into the environment as {VARIABLE}."
        ) from error


def forget(address: Address) -> None:
    try:
        if keyring.get_password(SERVICE, address.url) is not None:
            keyring.delete_password(SERVICE, address.url)
    except KeyringError as error:
        raise BadInput(f"The key cannot be removed from this system's keyring ({first_line(error)}).") from error
