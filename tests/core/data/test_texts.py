"""A file of texts to learn: plain or by rows, however it is written, and no more of it than is kept."""

import gzip
import json

import pyarrow
import pytest
from pyarrow import parquet

from core.data import texts
from core.data.texts import Texts
from core.errors import BadInput


def read(path, content, most=1000):
    path.write_bytes(content)
    return texts.read(path, most)


def test_a_plain_text_is_one_and_rows_are_one_each(tmp_path):
    plain = "First line.\r\n\r\n[1] Second, 日本.\n"
    expected = Texts((plain.replace("\r\n", "\n"),))
    assert read(tmp_path / "a.txt", plain.encode()) == expected
    assert read(tmp_path / "a.md", plain.encode("utf-16")) == expected
    assert read(tmp_path / "a.txt.gz", gzip.compress(plain.encode())) == expected
    assert read(tmp_path / "b.txt", b'{"a": 1} is no row') == Texts(('{"a": 1} is no row',))
    rows = [{"text": "one", "id": 1}, {"id": 2}, {"text": " "}, {"text": 3}, {"text": "a\ud800"}, {"text": "two, 2"}]
    lines = "\n".join(map(json.dumps, rows)).encode() + b"\n{broken"
    for name in ("a.jsonl", "c.txt", "noname"):
        assert read(tmp_path / name, lines) == Texts(("one", "two, 2"), without=5)
    assert read(tmp_path / "a.json", json.dumps(rows).encode()) == Texts(("one", "two, 2"), without=4)
    assert read(tmp_path / "a.csv", b'id,text\n1,one\n2,\n3,"two, 2"\n') == Texts(("one", "two, 2"), without=1)
    parquet.write_table(pyarrow.table({"text": ["one", None, "two, 2"]}), tmp_path / "a.parquet")
    assert texts.read(tmp_path / "a.parquet", 1000) == Texts(("one", "two, 2"), without=1)


def test_of_a_file_that_is_too_long_the_beginning_is_read(tmp_path, monkeypatch):
    assert read(tmp_path / "a.txt", b"abcdef", most=4) == Texts(("abcd",), cut=True)
    assert read(tmp_path / "a.txt", b"abcd", most=4) == Texts(("abcd",))
    rows = b'{"text": "abc"}\n{"text": "def"}\n{"text": "ghi"}\n'
    assert read(tmp_path / "a.jsonl", rows, most=4) == Texts(("abc", "d"), cut=True)
    assert read(tmp_path / "a.jsonl", rows, most=6) == Texts(("abc", "def"), cut=True)
    assert read(tmp_path / "a.jsonl", rows, most=9) == Texts(("abc", "def", "ghi"))
    monkeypatch.setattr(texts, "MOST_ROWS", 2)
    assert read(tmp_path / "a.jsonl", rows) == Texts(("abc", "def"), cut=True)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b" \n \n", "no text to learn"),
        (b"a\0b", "binary data"),
        (b"na\xefve", "not text in UTF-8: save it"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "pointer of Git LFS"),
    ],
)
def test_what_is_no_text_is_a_sentence(tmp_path, content, word):
    with pytest.raises(BadInput, match=word):
        read(tmp_path / "a.txt", content)


def test_neither_is_what_is_no_file_or_has_no_such_rows(tmp_path):
    for name, content in (("a.jsonl", b'{"prompt": "q"}\n'), ("a.csv", b"prompt\nq\n"), ("a.json", b"[]")):
        with pytest.raises(BadInput, match="no text to learn"):
            read(tmp_path / name, content)
    with pytest.raises(BadInput, match="is not a file"):
        texts.read(tmp_path, 10)
    with pytest.raises(BadInput, match="damaged"):
        read(tmp_path / "a.txt.gz", gzip.compress(b"x" * 9999)[:20])
