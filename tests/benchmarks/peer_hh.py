"""TRL's RewardTrainer on the pairs of a JSON lines file, one epoch; `hh` runs it in the peer's interpreter.

Prints one JSON line: the margin of every held-out pair (chosen minus rejected), seconds and peak memory.
"""

import argparse
import json
import os
import resource
import tempfile
import time

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--train", required=True)
parser.add_argument("--heldout", required=True)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
parser.add_argument("--learning-rate", type=float, default=1e-4)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--at-once", type=int, default=2, help="pairs in one forward pass; 8 took more than 22 GB")
parser.add_argument("--max-length", type=int, default=1024)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
torch.set_num_threads(args.threads)

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=1, dtype=getattr(torch, args.dtype))
model.config.pad_token_id = tokenizer.pad_token_id


def messages(row, side):
    return [*row["messages"], {"role": "assistant", "content": row[side]}]


def pairs(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return Dataset.from_list([{side: messages(row, side) for side in ("chosen", "rejected")} for row in rows])


with tempfile.TemporaryDirectory() as out:
    config = RewardConfig(
        output_dir=out, per_device_train_batch_size=args.at_once,
        gradient_accumulation_steps=args.batch // args.at_once, num_train_epochs=1, max_length=args.max_length,
        report_to="none", use_cpu=not torch.cuda.is_available(), save_strategy="no", logging_steps=20, bf16=False,
        activation_checkpointing=False, learning_rate=args.learning_rate, seed=args.seed,
    )  # fmt: skip
    trainer = RewardTrainer(
        model=model, args=config, processing_class=tokenizer, train_dataset=pairs(args.train),
        peft_config=LoraConfig(
            r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="SEQ_CLS"
        ),
    )  # fmt: skip
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


@torch.no_grad()
def score(conversation):
    ids = tokenizer.apply_chat_template(conversation, return_tensors="pt", return_dict=True, truncation=False)
    return float(trainer.model(**ids).logits[0, 0])


trainer.model.eval()
margins = [score(row["chosen"]) - score(row["rejected"]) for row in pairs(args.heldout)]
print(
    json.dumps(
        {
            "peer": "trl-reward", "dtype": args.dtype, "pairs": len(trainer.train_dataset), "margins": margins,
            "seconds": seconds, "peak_gb": peak,
        }
    )
)  # fmt: skip
