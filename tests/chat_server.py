"""A server of OpenAI's chat API on this machine: it answers as a real one does, or as a hostile one might."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]


def says(text: str, *, reason: str = "stop", tokens: int = 3, first: dict[str, float] | None = None) -> dict[str, Any]:
    """An answer as the API has it."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
    if first is not None:
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in first.items()]
        choice["logprobs"] = {"content": [{"token": text, "logprob": 0.0, "top_logprobs": top}]}
    return {"object": "chat.completion", "choices": [choice], "usage": {"completion_tokens": tokens}}


@dataclass
class ChatServer:
    """`answer` is given each question; what it returns is sent as JSON, or as it is where it is bytes. `refuse` are
    statuses with their headers and bodies that are sent first, one for each request. `asked` are the requests that
    came: path, key, question."""

    url: str = ""
    models: list[str] = field(default_factory=lambda: ["tiny"])
    answer: Answer = lambda question: says("Hello.")
    refuse: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [question for path, _, question in self.asked if path == "/v1/chat/completions"]


@contextmanager
def running() -> Iterator[ChatServer]:
    """A server that listens until the block is through."""
    chat = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({"object": "list", "data": [{"id": name, "object": "model"} for name in chat.models]}, {})

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.reply(None, question)

        def reply(self, found: Any, question: dict[str, Any]) -> None:
            chat.asked.append((self.path, self.headers.get("authorization"), question))
            if chat.refuse:
                self.send(*chat.refuse.pop(0))
                return
            found = chat.answer(question) if found is None else found
            self.send(200, {}, found if isinstance(found, bytes) else json.dumps(found).encode())

        def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in (
                {"content-type": "application/json", "content-length": str(len(body))} | headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()


#: What a judge makes of two texts: a letter, other words, or the probability of each letter.
Judgement = Callable[[str, str], str | dict[str, float]]


def texts_of(question: dict[str, Any]) -> tuple[str, str, str]:
    """The prompt and the two answers of a judge's question, by the mark that is named in it."""
    text: str = question["messages"][-1]["content"]
    mark = text.partition("line that begins with ")[2].split(",")[0]
    prompt, first, second = (part.partition("\n")[2] for part in text.split(f"\n\n{mark} ")[1:4])
    return prompt, first, second


def judges(judge: Judgement) -> Answer:
    """A model as judge."""

    def answer(question: dict[str, Any]) -> Any:
        said = judge(*texts_of(question)[1:])
        if isinstance(said, str):
            return says(said)
        return says(max(said, key=lambda letter: said[letter]), first={each: math.log(p) for each, p in said.items()})

    return answer


def longer(first: str, second: str) -> str:
    """A judge who takes long for good."""
    return "C" if len(first) == len(second) else "A" if len(first) > len(second) else "B"
