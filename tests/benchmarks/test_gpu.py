"""The benchmark `gpu` on a CPU, with a model of two layers: its numbers are there, and its checks hold."""

import json

import pytest
import torch

from tests.benchmarks import gpu
from tests.benchmarks.__main__ import parser


@pytest.mark.thorough
def test_the_benchmark_of_a_gpu_runs_on_a_tiny_model(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    monkeypatch.setattr(gpu, "peer_python", lambda options: None)
    threads, out = torch.get_num_threads(), tmp_path / "gpu.json"

    def run(*words: str) -> dict[str, object]:
        given = parser().parse_args(["gpu", "--tiny", "--threads", "1", "--runs", "1", "--out", str(out), *words])
        found = gpu.measure(given)
        assert json.loads(out.read_text()) == found
        return found

    found = run()
    assert not [value for value in found.values() if str(value).startswith(("failed", "left out"))], found
    assert found["tiny resume largest_difference"] == 0
    assert {found[f"tiny {name} ratio_minus_1"] for name in ("PPO", "GRPO")} == {0}
    assert found["tiny x 4 tokens_s"] > 0 and 0 < found["tiny PPO matmul_share"] < 1
    assert run("--seconds", "0") == {"tiny": "left out: the time is over"}
    torch.set_num_threads(threads)
