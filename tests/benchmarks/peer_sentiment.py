"""TRL's PPO (1.12.0) on the task `sentiment`; `learning` runs it in the peer's interpreter.

The reward model that TRL asks for is a module that decodes the completion and gives VADER's sentiment. Prints one JSON
line for each step (score, KL, seconds so far) and leaves the policy's adapter in `--out`.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from types import SimpleNamespace

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl.experimental.ppo import PPOConfig, PPOTrainer
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--prompts", required=True, help="JSON lines of token ids")
parser.add_argument("--out", required=True)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
parser.add_argument("--steps", type=int, default=30)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--tokens", type=int, default=24)
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--learning-rate", type=float, default=3e-4)
parser.add_argument("--kl-coef", type=float, default=0.05)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
torch.set_num_threads(args.threads)
dtype = getattr(torch, args.dtype)

tokenizer = AutoTokenizer.from_pretrained(args.model, padding_side="left")
policy = AutoModelForCausalLM.from_pretrained(args.model, dtype=dtype)
value = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=1, dtype=dtype)
value.config.pad_token_id = tokenizer.pad_token_id
analyzer = SentimentIntensityAnalyzer()
ASSISTANT = "<|im_start|>assistant\n"


class Sentiment(torch.nn.Module):
    """What TRL's `get_reward` calls: the "hidden states" are the token ids, the score is the decoded text's."""

    base_model_prefix = "backbone"

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1), requires_grad=False)

    def backbone(self, input_ids, **_):
        return SimpleNamespace(hidden_states=[input_ids])

    def score(self, input_ids):
        texts = tokenizer.batch_decode(input_ids)
        own = [text.rsplit(ASSISTANT, 1)[-1].split("<|im_end|>")[0].strip() for text in texts]
        scores = torch.tensor([analyzer.polarity_scores(text)["compound"] for text in own])
        return scores[:, None, None].expand(*input_ids.shape, 1)


class Steps(TrainerCallback):
    def on_train_begin(self, *_, **__):
        self.began = time.perf_counter()

    def on_log(self, _args, state, _control, logs=None, **__):
        if logs and "objective/scores" in logs:
            line = {
                "step": state.global_step,
                "reward": logs["objective/scores"],
                "kl": logs["objective/kl"],
                "seconds": time.perf_counter() - self.began,
                "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            }
            print(json.dumps(line), flush=True)


with open(args.prompts, encoding="utf-8") as file:
    ids = [json.loads(line) for line in file]
dataset = Dataset.from_dict({"input_ids": ids})
with tempfile.TemporaryDirectory() as out:
    config = PPOConfig(
        output_dir=out, per_device_train_batch_size=args.batch, gradient_accumulation_steps=1, num_mini_batches=1,
        num_ppo_epochs=args.epochs, total_episodes=args.batch * args.steps, response_length=args.tokens,
        temperature=1.0, local_rollout_forward_batch_size=args.batch, stop_token="eos", missing_eos_penalty=None,
        kl_coef=args.kl_coef, learning_rate=args.learning_rate, seed=args.seed, report_to="none",
        num_sample_generations=0, use_cpu=not torch.cuda.is_available(), save_strategy="no", bf16=False, fp16=False,
        logging_steps=1, gradient_checkpointing=False,
    )  # fmt: skip
    trainer = PPOTrainer(
        args=config, processing_class=tokenizer, model=policy, ref_model=None, reward_model=Sentiment(),
        value_model=value, train_dataset=dataset, eval_dataset=dataset.select(range(8)),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    trainer.add_callback(Steps())
    trainer.train()
    trainer.model.policy.save_pretrained(args.out)
