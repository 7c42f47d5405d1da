"""Keys lie in the system's keyring, by address; here in one that lives in memory."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from core.endpoints import keys
from core.endpoints.address import parse
from core.errors import BadInput
from core.trust.wish import of_server

HERE, THERE = parse("127.0.0.1:8000"), parse("https://api.example.com/v1")


class InMemory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def ring() -> Iterator[InMemory]:
    before, made = keyring.get_keyring(), InMemory()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_kept_by_address(ring: InMemory) -> None:
    assert keys.of(HERE) == ""
    keys.keep(HERE, " sk-1 ")
    assert (keys.of(HERE), keys.of(THERE)) == ("sk-1", "")
    keys.forget(HERE)
    keys.forget(HERE)
    assert (keys.of(HERE), ring.kept) == ("", {})


@pytest.mark.parametrize(
    "given",
    ["127.0.0.1:8000=sk-4", "HTTP://127.0.0.1:8000/v1=sk-4", ' "http://127.0.0.1:8000=sk-4"', "localhost:8000=sk-4"],
)
def test_a_key_is_bound_however_its_address_is_written(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(keys.VARIABLE, given)
    assert keys.of(THERE) == "" and len(of_server(THERE.url)) == 1
    assert keys.of(parse("localhost:8000") if "localhost" in given else HERE) == "sk-4"


@pytest.mark.parametrize("given", ["sk-5", "c2st==", "sk-5=", "sk-a=b"])
def test_a_key_with_signs_at_its_end_is_one(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(keys.VARIABLE, given)
    assert keys.of(THERE) == given


@pytest.mark.parametrize("key", ["", " ", "a\nb", "schlüssel", "a\x00"])
def test_no_key(key: str) -> None:
    with pytest.raises(BadInput, match="plain letters"):
        keys.keep(HERE, key)


def test_without_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(NoKeyring())
    assert keys.of(HERE) == ""
    with pytest.raises(BadInput, match=keys.VARIABLE):
        keys.keep(HERE, "sk-1")
    with monkeypatch.context() as patched:
        patched.setenv(keys.VARIABLE, "sk-2")
        assert keys.of(HERE) == "sk-2"


def test_a_key_of_the_environment_may_be_of_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.VARIABLE, "https://api.example.com=sk-3==")
    assert (keys.of(THERE), keys.of(HERE)) == ("sk-3==", "")
    keys.keep(HERE, "sk-1")
    assert keys.of(HERE) == "sk-1"
    monkeypatch.setenv(keys.VARIABLE, "https://=sk-3")
    with pytest.raises(BadInput, match="no address"):
        keys.of(HERE)


def test_a_key_for_any_server_is_asked_about_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [wish.name for wish in of_server(THERE.url)] == [THERE.url]
    monkeypatch.setenv(keys.VARIABLE, "sk-2")
    asked, shown = of_server(THERE.url)
    assert shown.kind == asked.kind == "network" and "the key that stands in PLUMBLINE_SERVER_KEY" in shown.words
    assert [wish.kind for wish in of_server(HERE.url)] == ["server", "network"], "which is asked about in every project"
    monkeypatch.setenv(keys.VARIABLE, f"{THERE.url}=sk-3")
    assert len(of_server(THERE.url)) == 1
