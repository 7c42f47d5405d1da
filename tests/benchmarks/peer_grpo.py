"""TRL's GRPO or RLOO (1.16.0) on the task `sentiment`; `learning` runs it in the peer's interpreter.

Prints one JSON line for each step (reward, KL a token, seconds so far) and leaves the policy's adapter of every
`--save-every`th step and of the last in `--out`, as `step-N`. The seconds are of the steps alone, without what is saved
between them.
What is not asked for here is as TRL has it by default.
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
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

TRAINERS = {"grpo": (GRPOConfig, GRPOTrainer), "rloo": (RLOOConfig, RLOOTrainer)}

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--prompts", required=True, help="JSON lines of texts, what one user says each")
parser.add_argument("--out", required=True)
parser.add_argument("--algorithm", choices=TRAINERS, required=True)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
parser.add_argument("--steps", type=int, default=30)
parser.add_argument("--save-every", type=int, default=5)
parser.add_argument("--batch", type=int, default=16, help="completions in a step")
parser.add_argument("--completions", type=int, default=4, help="of each prompt")
parser.add_argument("--tokens", type=int, default=24)
parser.add_argument("--learning-rate", type=float, default=4e-4)
parser.add_argument("--kl-coef", type=float, default=0.05)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
torch.set_num_threads(args.threads)

tokenizer = AutoTokenizer.from_pretrained(args.model, padding_side="left")
policy = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype))
analyzer = SentimentIntensityAnalyzer()


def sentiment(completions, **_):
    return [analyzer.polarity_scores(messages[-1]["content"])["compound"] for messages in completions]


class Steps(TrainerCallback):
    """Stops the clock while an adapter is saved."""

    def on_train_begin(self, *_, **__):
        self.began = time.perf_counter()

    def on_step_end(self, _args, state, _control, model=None, **__):
        self.seconds = time.perf_counter() - self.began
        if state.global_step % args.save_every == 0 or state.global_step == args.steps:
            model.save_pretrained(f"{args.out}/step-{state.global_step}")
        self.began = time.perf_counter() - self.seconds

    def on_log(self, _args, state, _control, logs=None, **__):
        if logs and "reward" in logs:
            line = {
                "step": state.global_step,
                "reward": logs["reward"],
                "kl": logs["kl"],
                "seconds": self.seconds,
                "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            }
            print(json.dumps(line), flush=True)


with open(args.prompts, encoding="utf-8") as file:
    prompts = [[{"role": "user", "content": json.loads(line)}] for line in file]
Config, Trainer = TRAINERS[args.algorithm]
with tempfile.TemporaryDirectory() as out:
    config = Config(
        output_dir=out, per_device_train_batch_size=args.batch, gradient_accumulation_steps=1,
        num_generations=args.completions, max_completion_length=args.tokens, max_steps=args.steps, temperature=1.0,
        beta=args.kl_coef, learning_rate=args.learning_rate, seed=args.seed, report_to="none", save_strategy="no",
        use_cpu=not torch.cuda.is_available(), bf16=False, fp16=False, logging_steps=1, gradient_checkpointing=False,
    )  # fmt: skip
    trainer = Trainer(
        model=policy, reward_funcs=sentiment, args=config, processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": messages} for messages in prompts]),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Steps()],
    )  # fmt: skip
    trainer.train()
