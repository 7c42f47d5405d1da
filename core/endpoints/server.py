"""Asking such a server: which models it has, what one answers, and how likely it begins with each of some words.

Nothing is asked through a proxy, no redirect is followed, and what comes back is text of a bounded size.
"""

import json
import math
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import httpx2

from core.conversation import Conversation
from core.endpoints.address import Address
from core.errors import KnownError
from core.store.cells import HALF

#: Seconds until a connection stands, and between two parts of an answer: a model may have to be loaded first.
CONNECTING, PATIENCE = 10.0, 600.0
#: Bytes of an answer, and letters of a server's own words that are shown.
MOST_BYTES, SHOWN = 20_000_000, 200
#: How an answer may be packed: once, and by what makes a thousand bytes of one at most.
PACKED = ("", "identity", "gzip", "deflate")
#: How often a server is asked that has too much to do, and the seconds in between; one that loads its model is asked
#: until patience ends.
TRIES, REST, LONGEST_REST = 5, 1.0, 30.0
BUSY, LOADING = 429, 503
#: Seconds after which whoever waits for answers may look elsewhere.
TICK = 0.2
#: Likeliest first tokens that are asked for: no server gives more than OpenAI's.
TOP = 20


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn: at most `max_tokens` tokens, of the likeliest ones that hold `top_p`."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Reply:
    """`ended` is whether the answer is whole, `tokens` how long it is where the server says so, else 0; `first` are the
    likeliest first tokens with their log-probabilities (nats), where they were asked for and the server gives them."""

    text: str
    ended: bool
    tokens: int = 0
    first: tuple[tuple[str, float], ...] = ()


class Server:
    """One server. To be closed."""

    def __init__(self, address: Address, key: str = "", *, patience: float = PATIENCE) -> None:
        self.address, self._patience = address, patience
        headers = {"Accept-Encoding": "gzip, deflate"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._client = httpx2.Client(
            headers=headers, timeout=httpx2.Timeout(patience, connect=CONNECTING), follow_redirects=False,
            trust_env=False,
        )  # fmt: skip

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def models(self) -> list[str]:
        """The models that it has, by name. Raises `KnownError`."""
        found = self._json("GET", "/models")
        rows = found.get("data")
        if not isinstance(rows, list):
            raise self._odd("gave no list of models")
        names = [row.get("id") for row in rows if isinstance(row, dict)]
        return sorted({name for name in names if isinstance(name, str) and name.isprintable() and 0 < len(name) < 300})

    def answer(
        self, model: str, conversation: Conversation, sampling: Sampling, *, first_tokens: bool = False
    ) -> Reply:
        """What the model says next. Raises `KnownError`."""
        question: dict[str, Any] = {
            "model": model, "messages": [message.data() for message in conversation.messages], "stream": False,
            "max_tokens": sampling.max_tokens, "temperature": sampling.temperature, "top_p": sampling.top_p,
        }  # fmt: skip
        if conversation.tools:
            question["tools"] = list(conversation.tools)
        if sampling.seed is not None:
            question["seed"] = sampling.seed
        if first_tokens:
            question |= {"logprobs": True, "top_logprobs": TOP}
        return self._reply(self._json("POST", "/chat/completions", question))

    def answers(
        self, model: str, asked: Sequence[tuple[Conversation, Sampling]], *, at_once: int = 1,
        first_tokens: bool = False,
    ) -> Generator[tuple[int, Reply] | None, None, None]:  # fmt: skip
        """The answers with the numbers of their questions, in the order in which they come, and None now and then
        while there is nothing new, so that whoever waits can stop waiting. Raises `KnownError`; the answers that were
        not waited for are lost then."""
        pool, through = ThreadPoolExecutor(at_once), False
        try:
            waiting: dict[Future[Reply], int] = {}
            left = iter(enumerate(asked))
            while True:
                while len(waiting) < at_once and (item := next(left, None)) is not None:
                    number, (conversation, sampling) = item
                    future = pool.submit(self.answer, model, conversation, sampling, first_tokens=first_tokens)
                    waiting[future] = number
                if not waiting:
                    through = True
                    return
                done, _ = wait(waiting, TICK, FIRST_COMPLETED)
                if not done:
                    yield None
                for future in done:
                    yield waiting.pop(future), future.result()
        finally:
            if not through:
                self.close()  # ends what is still being asked
            pool.shutdown(wait=False, cancel_futures=True)

    def _reply(self, found: Mapping[str, Any]) -> Reply:
        try:
            choice = found["choices"][0]
            text = choice["message"]["content"]
            ended = choice.get("finish_reason") != "length"
        except (LookupError, TypeError, AttributeError) as error:
            raise self._odd("gave no answer") from error
        if text is None:
            text = ""
        if not isinstance(text, str):
            raise self._odd("gave an answer that is no text")
        usage = found.get("usage")
        tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
        known = isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens < 1 << 31
        whole = HALF.sub("\ufffd", text)
        return Reply(whole, ended, tokens if known and tokens else 0, _first(choice.get("logprobs")))

    def _json(self, method: str, path: str, question: Mapping[str, Any] | None = None) -> dict[str, Any]:
        found = self._asked(method, path, question)
        try:
            read = json.loads(found)
        except (ValueError, RecursionError) as error:
            raise self._odd("gave something that is no JSON") from error
        if not isinstance(read, dict):
            raise self._odd("gave JSON of another shape")
        return read

    def _asked(self, method: str, path: str, question: Mapping[str, Any] | None) -> bytes:
        tried, until = 0, time.monotonic() + self._patience
        while True:
            tried += 1
            try:
                with self._client.stream(method, self.address.url + path, json=question) as response:
                    body = self._body(response)
            except httpx2.TimeoutException as error:
                raise KnownError(f"{self.address.url} took too long to answer: is the model loaded?") from error
            except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError) as error:  # RuntimeError: it was closed
                raise KnownError(
                    f"{self.address.url} cannot be asked ({_shown(str(error)) or type(error).__name__}): start the "
                    "server, and see to its address."
                ) from error
            if response.status_code == 200:
                return body
            again = {BUSY: tried < TRIES, LOADING: time.monotonic() < until}
            if not again.get(response.status_code, False):
                raise KnownError(self._refusal(response.status_code, body))
            time.sleep(_rest(response.headers.get("retry-after", "")))

    def _body(self, response: httpx2.Response) -> bytes:
        parts, count = [], 0
        if response.headers.get("content-encoding", "").strip().lower() not in PACKED:
            raise self._odd("packs its answers in a way that was not asked for")
        for part in response.iter_bytes():
            count += len(part)
            if count > MOST_BYTES:
                raise self._odd(f"gave more than {MOST_BYTES // 1_000_000} MB")
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, status: int, body: bytes) -> str:
        url = self.address.url
        if 300 <= status < 400:
            return f"{url} sends elsewhere, where nobody said that anything may go: give that address, if you mean it."
        if status in (401, 403):
            return f"{url} wants a key, or another one ({status}){_words(body)}."
        if status == 404:
            return f"{url} does not know this ({status}){_words(body)}: look for the address and the model's name."
        return f"{url} refused ({status}){_words(body)}."

    def _odd(self, what: str) -> KnownError:
        return KnownError(f"{self.address.url} {what}: is it a server of OpenAI's chat API?")


def _first(logprobs: Any) -> tuple[tuple[str, float], ...]:
    """Of the answer's first token. Servers that give none, or in another form, are not believed."""
    try:
        rows = logprobs["content"][0]["top_logprobs"]
        found = [(row["token"], float(row["logprob"])) for row in rows]
    except (LookupError, TypeError, ValueError, OverflowError):
        return ()
    return tuple((token, value) for token, value in found[:TOP] if isinstance(token, str) and not math.isnan(value))


def _rest(said: str) -> float:
    try:
        return min(max(0.0, float(said)), LONGEST_REST)  # in this order nan is 0
    except ValueError:
        return REST


def _words(body: bytes) -> str:
    """What a server says of its refusal."""
    try:
        found = json.loads(body)
        error = found.get("error", found)
        text = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, RecursionError, AttributeError):
        text = body.decode("utf-8", "replace")
    said = _shown(text if isinstance(text, str) else "")
    return f": {said}" if said else ""


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:SHOWN]).strip().rstrip(".")
