"""The files that people who do this job run into, where they are beside the repository: each as it should be read."""

from pathlib import Path

import pytest

from core import data

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside the repository")

#: Usable rows, refused rows, and the roles of the first conversation.
RIGHT = {
    "01-ultrafeedback-binarized.jsonl": (2, 0, "u"), "02-tulu3-preference.jsonl": (1, 0, "suau"),
    "03-openai-preference.jsonl": (2, 0, "su"), "04-ms-swift.jsonl": (2, 1, "su"), "05-nectar.jsonl": (2, 0, "u"),
    "06-helpsteer2-preference.jsonl": (3, 0, "u"), "08-pku-saferlhf.jsonl": (2, 0, "u"),
    "10-arena-140k.jsonl": (2, 1, "u"), "11-openwebui-feedback.json": (1, 1, "u"),
    "12-argilla2-nested.json": (2, 1, "u"),
    "13-argilla2-flat-nulls.json": (1, 3, "u"), "14-label-studio-many.json": (2, 3, "u"),
    "15-llama-factory-output-list.json": (2, 0, "u"), "16-sharegpt-tools.json": (1, 0, "suat"),
    "17-tool-calls-null-content.jsonl": (1, 1, "uat"), "18-line-separators.json": (2, 0, "u"),
    "18b-mixed-newlines-bom.jsonl": (4, 0, "u"), "19-excel-unicode-text.tsv": (2, 0, "u"),
    "20-excel-semicolon.csv": (2, 0, "u"), "20b-excel-sep-line.csv": (1, 0, "u"), "21-pandas-repr.csv": (1, 0, "u"),
    "22-ultrafeedback.parquet": (2, 0, "u"), "23-contradictory.jsonl": (5, 0, "u"),
    "24-split-column.jsonl": (13, 0, "u"),
    "26-unranked-answers.jsonl": (2, 0, "u"), "26b-alpaca-samples.json": (1, 0, "u"), "26c-unranked.csv": (1, 0, "u"),
    "28-leading-whitespace.jsonl": (3, 0, "u"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_each_case_is_read_as_it_should_be(project, name):
    path = CASES / name
    found = data.preview(path)
    roles = "".join(turn.role[0] for turn in found.rows[0].conversation.messages)
    assert (found.total, len(found.refused), roles) == RIGHT[name]
    assert found.what == ("answers" if name.startswith("26") else "rankings")
    assert found.question == ""
    report = data.import_preferences(project, path, "them")
    assert report.added + report.known == found.total
    again = data.import_preferences(project, path, "them")
    assert (again.added, again.known) == (0, found.total)
