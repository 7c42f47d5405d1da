"""Asking a server of OpenAI's chat API: a real HTTP server on this machine answers, rightly and not."""

import threading
import time
from collections.abc import Iterator

import pytest

from core.conversation import Conversation
from core.endpoints import server as servers
from core.endpoints.address import parse
from core.endpoints.server import Reply, Sampling, Server
from core.errors import BadInput, KnownError
from tests import chat_server
from tests.chat_server import ChatServer, says

ASKED = Conversation.read([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "How are you?"}])
DRAWN = Sampling(max_tokens=12, temperature=0.7, top_p=0.9, seed=3)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_server.running() as found:
        yield found


@pytest.mark.parametrize(
    ("typed", "url", "here"),
    [
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1", True),
        (" http://localhost:8000/ ", "http://localhost:8000/v1", True),
        ("http://[::1]:1234/v1/", "http://[::1]:1234/v1", True),
        ("http://127.8.9.1/openai/v1", "http://127.8.9.1/openai/v1", True),
        ("https://api.example.com/v1", "https://api.example.com/v1", False),
        ("http://192.168.1.5:8000", "http://192.168.1.5:8000/v1", False),
        ("http://127.0.0.1.example.com", "http://127.0.0.1.example.com/v1", False),
        ("http://localhost.example.com", "http://localhost.example.com/v1", False),
        ("http://0x7f000001.example", "http://0x7f000001.example/v1", False),
    ],
)
def test_address(typed: str, url: str, here: bool) -> None:
    found = parse(typed)
    assert (found.url, found.is_loopback) == (url, here)
    assert found.is_open == (url.startswith("http://") and not here)
    assert parse(found.url) == found


@pytest.mark.parametrize(
    "typed",
    ["", "ftp://127.0.0.1", "file:///etc/passwd", "http://", "http://me:secret@127.0.0.1/v1", "http://h:port/v1",
     "http://127.0.0.1/v1?key=1", "http://127.0.0.1/v1#a", "http://a\n.b", "http://a\\@b", "http://[::1", "h" * 400],
)  # fmt: skip
def test_no_address(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(typed)
    assert "secret" not in str(refused.value)


def test_asks_as_the_api_has_it(chat: ChatServer) -> None:
    """The question in OpenAI's words; the answer with whether it is whole."""
    chat.models = ["b", "a", "a\x1b[2J"]
    chat.answer = lambda question: says("Fine, thanks", reason="length", tokens=12)
    with Server(parse(chat.url), "sk-1") as server:
        assert server.models() == ["a", "b"]
        assert server.answer("a", ASKED, DRAWN) == Reply("Fine, thanks", ended=False, tokens=12)
    assert chat.questions == [{
        "model": "a", "stream": False, "max_tokens": 12, "temperature": 0.7, "top_p": 0.9, "seed": 3,
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "How are you?"}],
    }]  # fmt: skip
    assert {key for _, key, _ in chat.asked} == {"Bearer sk-1"}


def test_half_of_a_letter_is_none(chat: ChatServer) -> None:
    """JSON can say it; no row and no file can hold it."""
    chat.answer = lambda question: says("a\ud800b \U0001f600")
    with Server(parse(chat.url)) as server:
        assert server.answer("a", ASKED, DRAWN).text == "a\ufffdb \U0001f600"


def test_first_tokens(chat: ChatServer) -> None:
    chat.answer = lambda question: says("A", first={"A": -0.1, "B": -2.5})
    with Server(parse(chat.url)) as server:
        assert server.answer("a", ASKED, DRAWN, first_tokens=True).first == (("A", -0.1), ("B", -2.5))
        chat.answer = lambda question: says("A") | {"choices": [says("A")["choices"][0] | {"logprobs": {"content": 7}}]}
        assert server.answer("a", ASKED, DRAWN, first_tokens=True).first == ()
    assert chat.questions[0]["logprobs"] is True


def test_several_at_once(chat: ChatServer) -> None:
    """Each answer comes with the number of its question, and no more are asked at once than was said."""
    busy, most, lock, three = 0, 0, threading.Lock(), threading.Barrier(3)

    def answer(question: dict[str, object]) -> object:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        three.wait(20)  # passes only where three are asked at once
        with lock:
            busy -= 1
        return says(f"to {question['seed']}")

    chat.answer = answer
    with Server(parse(chat.url)) as server:
        asked = [(ASKED, Sampling(4, seed=number)) for number in range(6)]
        found = dict(item for item in server.answers("a", asked, at_once=3) if item is not None)
        assert {number: reply.text for number, reply in found.items()} == {n: f"to {n}" for n in range(6)}
        assert most == 3
        assert server.models() == ["tiny"]  # it can be asked on


def test_is_not_waited_for(chat: ChatServer) -> None:
    """Whoever waits is let go several times a second, and ends the question."""
    hold = threading.Event()

    def answer(question: dict[str, object]) -> object:
        hold.wait(20)
        return says("late")

    chat.answer = answer
    began = time.monotonic()
    waiting = Server(parse(chat.url)).answers("a", [(ASKED, DRAWN)])
    assert next(waiting) is None
    waiting.close()
    assert time.monotonic() - began < 5
    hold.set()


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (302, {"location": "http://example.com/v1"}, b"", "sends elsewhere"),
        (401, {}, b'{"error": {"message": "bad key \\u001b[2J"}}', "wants a key, or another one (401): bad key"),
        (404, {}, b'{"error": "model \'a\' not found"}', "does not know this (404): model 'a' not found"),
        (400, {}, b"<html>no</html>", "refused (400): <html>no</html>"),
        (500, {}, b"[" * 5000, "refused (500)"),
    ],
)
def test_refusals(chat: ChatServer, status: int, headers: dict[str, str], body: bytes, said: str) -> None:
    chat.refuse = [(status, headers, body)]
    with Server(parse(chat.url)) as server, pytest.raises(KnownError) as refused:
        server.answer("a", ASKED, DRAWN)
    assert said in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(chat.asked) == 1


def test_a_busy_server_is_asked_again(chat: ChatServer) -> None:
    busy, loading = (429, {"retry-after": "0"}, b""), (503, {"retry-after": "0"}, b"")
    chat.refuse = [busy, *[loading] * 2 * servers.TRIES]
    with Server(parse(chat.url)) as server:
        assert server.answer("a", ASKED, DRAWN).text == "Hello."
        chat.refuse = [busy] * servers.TRIES
        with pytest.raises(KnownError, match="refused"):
            server.answer("a", ASKED, DRAWN)
    chat.refuse = [loading] * 100
    with Server(parse(chat.url), patience=0.0) as server, pytest.raises(KnownError):
        server.answer("a", ASKED, DRAWN)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": 5}}]}', b'{"choices": "x"}',
     b'{"choices": [null]}', b"\xff\xfe", b"[" * 100_000],
)  # fmt: skip
def test_nonsense(chat: ChatServer, body: bytes) -> None:
    chat.answer = lambda question: body
    with Server(parse(chat.url)) as server, pytest.raises(KnownError, match="OpenAI's chat API"):
        server.answer("a", ASKED, DRAWN)


def test_too_much(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, Server(parse(chat.url)) as server:
        patched.setattr(servers, "MOST_BYTES", 1000)
        chat.answer = lambda question: says("a" * 2000)
        with pytest.raises(KnownError, match="gave more than"):
            server.answer("a", ASKED, DRAWN)


def test_nobody_there_and_nobody_in_between(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the environment is asked; a server that is gone is a sentence."""
    with monkeypatch.context() as patched:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patched.setenv(name, "http://127.0.0.1:9")
        with Server(parse(chat.url)) as server:
            assert server.models() == ["tiny"]
    with Server(parse("127.0.0.1:9")) as server, pytest.raises(KnownError, match="start the server"):
        server.models()
