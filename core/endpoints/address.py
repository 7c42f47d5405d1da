"""Where such a server listens, and whether that is this machine."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.errors import BadInput, first_line

#: The path of the API, which goes without saying.
PATH = "/v1"
SCHEMES = ("http", "https")
LONGEST = 300


@dataclass(frozen=True)
class Address:
    """`url` has no slash at its end: `http://127.0.0.1:11434/v1`."""

    url: str
    host: str

    @property
    def is_loopback(self) -> bool:
        """Does nothing that is sent there leave this machine?"""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_open(self) -> bool:
        """Can others on the way read what is sent there?"""
        return self.url.startswith("http://") and not self.is_loopback


def parse(text: str, *, path: str = PATH) -> Address:
    """The address that a person typed, `127.0.0.1:11434` too, with this `path` where it has none. Raises `BadInput` for
    what is none, and for one that holds a name and a password: a key has its own place."""
    typed = text.strip()
    if not typed or len(typed) > LONGEST or not typed.isprintable() or " " in typed or "\\" in typed:
        raise _none(text)
    whole = typed if "://" in typed else f"http://{typed}"
    try:
        to = urlsplit(whole)
        port = to.port
    except ValueError as error:
        raise BadInput(f"{text!r:.120} is no address of a server ({first_line(error)}).") from error
    if to.scheme not in SCHEMES or not to.hostname or to.query or to.fragment:
        raise _none(text)
    if "@" in to.netloc:
        raise BadInput("An address with a name and a password in it would be kept for all to read: give the key apart.")
    host = to.hostname.rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    path = to.path.rstrip("/") or path
    return Address(f"{to.scheme}://{shown}{'' if port is None else f':{port}'}{path}", host)


def _none(text: str) -> BadInput:
    return BadInput(f"{text!r:.120} is no address of a server: write it as http://127.0.0.1:11434/v1.")
