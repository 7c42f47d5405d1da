"""A server that is asked may answer anything: a sentence comes of it, within the memory that an answer needs."""

import gzip
import json

import pytest

from core.conversation import Conversation
from core.endpoints.address import parse
from core.endpoints.server import Sampling, Server
from core.errors import KnownError
from core.judges import kept, verdict
from core.judges.question import Question
from tests import chat_server
from tests.attacks.strangers import cheap
from tests.chat_server import says


@pytest.fixture
def chat():
    with chat_server.running() as found:
        yield found


def asked(chat):
    with Server(parse(chat.url)) as server:
        return server.answer("tiny", Conversation.of_text("Hi"), Sampling(8), first_tokens=True)


def test_a_rest_of_no_number_is_none(chat):
    chat.refuse = [(429, {"retry-after": "nan"}, b"")]
    assert asked(chat).text == "Hello."


def test_probabilities_beyond_all_numbers_are_not_believed(chat):
    chat.answer = lambda question: says("A", first={"A": 10**400})
    assert asked(chat).first == ()


@pytest.mark.thorough
def test_an_answer_that_is_packed_twice_fills_no_memory(chat):
    twice = gzip.compress(gzip.compress(b" " * 1_500_000_000, 1))
    chat.refuse = [(200, {"content-encoding": "gzip, gzip"}, twice)]
    with cheap(memory=3e8), pytest.raises(KnownError, match="packs its answers in a way"):
        asked(chat)
    chat.refuse = [(200, {"content-encoding": "gzip"}, gzip.compress(json.dumps(says("Hi.")).encode()))]
    assert asked(chat).text == "Hi."


def test_a_judge_that_is_more_than_sure_can_be_resumed(chat, tmp_path):
    chat.answer = lambda question: says("A", first={"A": 0.0, " A": 0.0})
    reply = asked(chat)
    begun, question = kept.Begun("judge", {}, [1]), Question(1, 2, "Which?")
    with kept.Kept(tmp_path / kept.NAME, begun, []) as answers:
        answers.add(question, verdict.read(reply.text, reply.first, explain=False))
    with kept.Kept(tmp_path / kept.NAME, begun, kept.read(tmp_path / kept.NAME)) as answers:
        assert (answers.of(question).won, answers.of(question).mass) == (1.0, 1.0)
