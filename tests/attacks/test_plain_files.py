"""What came with somebody's folder is read as a plain file and within bounds: no pipe is waited for."""

import json
import os
import sys
from pathlib import Path

import pytest

from core.config.jobs import JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import BadInput
from core.jobs import checkpoint_files, queue
from core.jobs.context import JobContext
from core.runs import learnt_rankings, pinned_prompts
from core.store.files import plain
from tests.attacks.strangers import cheap

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices in folders")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.fixture(params=[pipe, device])
def trap(request):
    return request.param


@pytest.fixture
def run(filled):
    job = queue.enqueue(filled, JobKind.TRAIN_POLICY, config_values(TrainPolicyConfig(), ALGORITHMS["ppo"].config()))
    return filled.make_run_folder(job.id), job.id


def test_what_is_no_plain_file_is_refused_at_once(tmp_path, trap):
    trap(tmp_path / "x.json")
    for read in (plain.opened, plain.content, plain.parsed):
        with pytest.raises(BadInput, match="is no file"):
            read(tmp_path / "x.json")


def test_a_file_is_read_up_to_its_bound(tmp_path):
    (tmp_path / "x.json").write_text("[1, 2]")
    assert plain.parsed(tmp_path / "x.json", 6) == [1, 2]
    with pytest.raises(BadInput, match="is larger than"):
        plain.content(tmp_path / "x.json", 5)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with cheap(memory=1e8), pytest.raises(BadInput, match="is larger than"):
        plain.content(tmp_path / "sparse")


def test_json_that_would_fill_the_memory_is_not_parsed(tmp_path):
    (tmp_path / "x.json").write_text("[" + "[]," * 10_000_000 + "[]]")
    with cheap(memory=1.5e8), pytest.raises(BadInput, match="more values"):
        plain.parsed(tmp_path / "x.json", 1 << 30)


def test_the_window_asks_what_a_run_learnt_from_of_no_device_and_no_pipe(filled, run, trap):
    trap(run[0] / pinned_prompts.PINNED)
    assert pinned_prompts.trained_on(filled, run[1]) == frozenset()


def test_what_a_run_learnt_from_is_found_without_holding_it(filled, run):
    texts = ['{"id": 98, "text": ""}', "\\", '], "heldout": [', "x" * 3_000_000]
    kept = [{"id": 3 * number, "text": text, "tags": []} for number, text in enumerate(texts * 3)]
    path = run[0] / pinned_prompts.PINNED
    path.write_text(json.dumps({"train": kept, "heldout": [{"id": 99, "text": ""}]}))
    assert pinned_prompts.trained_on(filled, run[1]) == {3 * number for number in range(12)}
    path.write_text("[" + "[]," * 10_000_000 + "[]]")
    with cheap(memory=1e8):
        assert pinned_prompts.trained_on(filled, run[1]) == frozenset()


def test_what_a_run_began_with_is_read_of_no_device(filled, run):
    device(run[0] / "chat.json")
    context = JobContext(filled, run[1], None, resume_from=run[0])
    with pytest.raises(BadInput, match="is a link"):
        context.pinned("chat.json", dict)


def test_what_a_run_began_with_is_not_made_anew_where_it_was_removed(filled, run):
    context = JobContext(filled, run[1], None, resume_from=run[0])
    with pytest.raises(BadInput, match=r"prompts\.json is gone"):
        context.pinned("prompts.json", dict)
    assert not (run[0] / "prompts.json").exists()
    assert context.pinned("later.json", dict, came_later=True) == {}


def test_a_checkpoint_without_a_seal_is_read_of_no_pipe_and_no_device(tmp_path, trap):
    for name in ("x.json", "x.safetensors", checkpoint_files.SEAL):
        trap(tmp_path / name)
        assert "is no file" in checkpoint_files.damage(tmp_path)
        (tmp_path / name).unlink()


def test_rankings_that_were_learnt_in_millions_of_ranges_are_none(filled, run, monkeypatch):
    monkeypatch.setattr(learnt_rankings.trail, "newest_ranking", lambda project: 16_000_000)
    (run[0] / learnt_rankings.KEPT).write_text(json.dumps({"learnt": "a" * 3_900_000, "tested": "0"}))
    with cheap(memory=1e8):
        assert learnt_rankings.of_run(filled, run[1]) is None
    (run[0] / learnt_rankings.KEPT).write_text(json.dumps({"learnt": "f" * 3_900_000, "tested": "a" * 1_000}))
    assert learnt_rankings.of_run(filled, run[1]).learnt.ranges == ((0, 15_599_999),)
