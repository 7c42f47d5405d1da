"""`server`: what a server has, said before another machine is asked."""

import json

import pytest

from core import cli
from tests import chat_server


@pytest.fixture
def plumbline(capsys):
    def run(*arguments):
        code = cli.run(list(arguments))
        return code, capsys.readouterr()

    return run


def test_its_models(plumbline):
    with chat_server.running() as chat:
        chat.models = ["b", "a"]
        code, said = plumbline("server", chat.url)
        assert (code, said.out) == (0, "a\nb\n")
        code, said = plumbline("server", chat.url, "--json")
        assert json.loads(said.out) == {"address": chat.url, "models": ["a", "b"]}
    code, said = plumbline("server", chat.url)
    assert (code, "start the server" in said.err) == (1, True)
    assert plumbline("server", "nowhere at all")[0] == 2


def test_another_machine_is_asked_about(plumbline, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("click.confirm", lambda text, **_: (_ for _ in ()).throw(KeyboardInterrupt(text)))
        assert plumbline("server", "https://192.0.2.1/v1")[0] == 130
