"""The whole loop by the commands, jobs run here as a worker would; what it leaves by transformers and peft alone."""

import io
import json
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from core import cli, worker
from core.jobs import lock, queue

PROMPTS = ("Name a fruit.", "Say hello.", "What is rain?", "Why do we sleep?", "What is a bridge?", "Tell a joke.")
ANSWERS = ("a good answer", "no")


def letters(prompt: str, completion: str) -> float:
    """A gold reward that seldom says the same of two random texts."""
    return float(sum(map(ord, completion)))


class Loop:
    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model, self.cache = folder, model, dict[str, Any]()

    def command(self, name: str, *arguments: object) -> dict[str, Any]:
        """What a command says as JSON. Raises `AssertionError` with what it says where it fails."""
        said, wrong = io.StringIO(), io.StringIO()
        with redirect_stdout(said), redirect_stderr(wrong):
            code = cli.run([name, str(self.folder), *map(str, arguments), "--json"])
        assert code == 0, f"{name}: {wrong.getvalue() or said.getvalue()}"
        found: dict[str, Any] = json.loads(said.getvalue().strip().splitlines()[-1])
        return found

    def job(self, name: str, *arguments: object) -> int:
        """Run the job that a command queues; returns its number."""
        held = lock.acquire(self.folder)  # so that no other worker begins
        assert held is not None
        project = worker.opened(self.folder)
        try:
            number = int(self.command(name, *arguments, "--detach")["job"])
            claimed = worker.claim(project, number)
            assert claimed is not None
            worker.run_job(project, claimed, self.cache)
            done = queue.get(project, number)
            assert done.status == "done", f"{name}: {done.error}\n{done.report}"
            return number
        finally:
            project.close()
            held.close()

    def run(self) -> None:
        """From nothing to an exported model, with a reward model on the way."""
        self.command("new", "--model", self.model)
        self.command("prompts", *(part for text in PROMPTS for part in ("--add", text)), "--heldout", 0.25)
        self.job("generate", "--completions", 4, "--max-new-tokens", 8)
        self.command("rank", "--scripted", f"{__name__}:letters")
        self.reward = self.job("train-reward", "--epochs", 1, "--batch-prompts", 2)
        self.scored = self.job(
            "score", "--prompt", PROMPTS[0], *(p for text in ANSWERS for p in ("--completion", text))
        )
        self.policy = self.job(
            "train-policy", "--algorithm", "ppo", "--steps", 1, "--batch-size", 4, "--completions", 2,
            "--max-new-tokens", 6, "--missing-end-penalty", 0, "--learning-rate", 0.003, "--eval-prompts", 1,
        )  # fmt: skip
        self.export = self.job("export-model", "--out", self.folder / "exported")

    def result(self, number: int) -> Any:
        project = worker.opened(self.folder)
        try:
            return queue.get(project, number).result
        finally:
            project.close()

    def exported(self) -> tuple[float, float]:
        """How far the exported model is from the base with its adapter by peft alone; and from the base."""
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        def logits(model: Any) -> torch.Tensor:
            with torch.no_grad():
                found: torch.Tensor = model.eval()(input_ids=torch.arange(8, 28)[None], use_cache=False).logits.float()
                return found

        folder, number = self.folder / "exported", self.result(self.policy).adapter
        whole = logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))
        base = AutoModelForCausalLM.from_pretrained(self.model, dtype=torch.float32)
        alone = logits(base)
        tuned = logits(PeftModel.from_pretrained(base, str(self.folder / number / "policy")))
        return float((whole - tuned).abs().max()), float((whole - alone).abs().max())

    def card(self) -> float:
        """How far a score by the snippet of the reward model's card is from the command's."""
        adapter = self.folder / self.result(self.reward).adapter / "reward"
        about = json.loads((adapter / "reward.json").read_text())
        snippet = (adapter / "README.md").read_text().split("```python\n")[1].split("```")[0]
        prompt, completion = PROMPTS[0], ANSWERS[0]
        lines = [line for line in snippet.splitlines() if not line.startswith("prompt, completion")]
        names: dict[str, Any] = {"prompt": prompt, "completion": completion}
        named = adapter / Path(self.model).name  # where the snippet names its base
        named.symlink_to(Path(self.model).absolute())
        with chdir(adapter):
            exec("\n".join(lines), names)
        mean, std = about["mean"][0], about["std"][0]
        return abs((names["score"] - mean) / std - self.result(self.scored).scores[0])
