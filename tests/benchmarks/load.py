"""Seconds to load the base model and its tokenizer from safetensors, in fresh interpreters with warm files."""

import argparse
import json
from typing import Any

from tests.benchmarks.machine import load_base, median, prepare, python

CODE = """
import json, time
import torch, transformers, peft
from core.machine import base_models
from core.models.load import load
began = time.perf_counter()
base = load(base_models.parse({model!r}))
print(json.dumps([time.perf_counter() - began, base.placement.dtype.itemsize, str(base.device)]))
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    load_base(options)
    found = [json.loads(python(CODE.format(model=options.model)).splitlines()[-1]) for _ in range(options.runs)]
    seconds = [item[0] for item in found]
    return {
        "load_seconds_median": median(seconds),
        "load_seconds_max": max(seconds),
        "bytes_a_weight": found[0][1],
        "device": found[0][2],
        "runs": options.runs,
    }
