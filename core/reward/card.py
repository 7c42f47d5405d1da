"""The model card that lies with every reward model, and says how to use it without Plumbline."""

from collections.abc import Sequence
from pathlib import Path

from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

from core.config.training import TrainedModel
from core.models import asking_code, cards
from core.reward.model import Member, RewardModel
from core.store import Project

CARD = """
# Reward model: {name}, run {run}

Scores completions as the labelers of the project "{name}" would rank them. A LoRA adapter for sequence classification
on {base}, with {columns}.

## Use

{snippet}
`score` is the raw reward. Only differences between completions of one prompt mean something: the probability that A is
preferred to B is `sigmoid(score_A - score_B)`. {scale}{length}

The reward is read at the end token. Where the tokenizer pads with its end token, transformers would take that for
padding: pass one text at a time, with `pad_token_id` set to None as above.

## Training

{training}

Pairs come from rankings: for K ranked completions of a prompt the loss is the mean over their pairs of
-log sigmoid(r_chosen - r_rejected) (Ouyang et al. 2022). Prompts of the test were not trained on.

## Limits

It knows what its labelers ranked, in the kind of text that they saw. A policy that is tuned against it for long finds
what it overrates: look at its samples. It is no measure of truth or safety.
"""

SNIPPET = """from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

base = {base}  # its folder, or its name on the hub
adapter = "."  # the folder of this file
tokenizer = AutoTokenizer.from_pretrained(base)
{template}model = AutoModelForSequenceClassification.from_pretrained(base, num_labels={labels}, dtype="float32")
model = PeftModel.from_pretrained(model, adapter).eval()
model.config.pad_token_id = None

prompt, completion = "How are you?", "Fine, thank you."
turns = {turns}
text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True{more})
ids = tokenizer(text, add_special_tokens=False).input_ids
answer = tokenizer(completion, add_special_tokens=False).input_ids + [{end}]
score = model(torch.tensor([ids + answer])).logits[0, 0].item(){length}"""

#: For kinds of models of which transformers has no class with a head for scores, and for bases with an adapter.
BARE_SNIPPET = """from peft import LoraConfig, PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

base = {base}  # its folder, or its name on the hub
adapter = "."  # the folder of this file
tokenizer = AutoTokenizer.from_pretrained(base)
{template}config = LoraConfig.from_pretrained(adapter)
config.task_type, config.modules_to_save = "CAUSAL_LM", None  # the head is computed below
model = AutoModelForCausalLM.from_pretrained(base, dtype="float32")
{on_base}model = PeftModel.from_pretrained(model, adapter, config=config).eval()
head = load_file(adapter + "/adapter_model.safetensors")["base_model.model.score.weight"]

prompt, completion = "How are you?", "Fine, thank you."
turns = {turns}
text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True{more})
ids = tokenizer(text, add_special_tokens=False).input_ids
answer = tokenizer(completion, add_special_tokens=False).input_ids + [{end}]
trunk = model.get_base_model().base_model
state = trunk(input_ids=torch.tensor([ids + answer]), use_cache=False).last_hidden_state[0, -1]
score = (head[0] @ state).item(){length}"""


def write(project: Project, job_id: int, model: RewardModel, folder: Path, models: Sequence[TrainedModel]) -> None:
    """A README.md in the folder of each member."""
    for member in model.members:
        spec = model.shared.base.spec
        on_it = f", with the adapter {cards.plain(Path(spec.adapter).name)} merged into it" if spec.adapter else ""
        head = {
            "library_name": "peft", "pipeline_tag": "text-classification",
            "base_model": spec.source if spec.kind == "hub" else "", "tags": ["reward-model", "lora"],
        }  # fmt: skip
        text = cards.front(head) + CARD.format(
            base=cards.plain(spec.named) + on_it, name=cards.plain(project.name), run=job_id, columns=_columns(model),
            snippet=cards.block(snippet(model, float(member.head.per_token[0])), "python"), scale=_scale(model, member),
            training=_training(member, models), length=_length(member),
        )  # fmt: skip
        (folder / member.adapter / "README.md").write_text(text, encoding="utf-8")


def snippet(model: RewardModel, per_token: float = 0.0) -> str:
    """Python that scores a text with transformers and peft alone; each token of it takes `per_token` off its score."""
    base = model.shared.base
    chat, tokenizer, spec = base.chat, base.tokenizer, base.spec
    own = tokenizer.eos_token_id == base.end_ids[0]
    end = cards.literal(tokenizer.convert_ids_to_tokens(base.end_ids[0]))
    other = chat.text.choice.plain or chat.settings.chat_template
    known = type(base.model.config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING and not spec.adapter
    on_base = (
        f"model = PeftModel.from_pretrained(model, {cards.literal(Path(spec.adapter).name)})  # its folder\n"
        "model = model.merge_and_unload()\n"
    )
    return "import torch\n" + (SNIPPET if known else BARE_SNIPPET).format(
        base=cards.literal(spec.named), on_base=on_base if spec.adapter else "", labels=len(model.columns),
        end="tokenizer.eos_token_id" if own else f"tokenizer.convert_tokens_to_ids({end})",
        turns=asking_code.turns(chat.text, "prompt"), more=asking_code.arguments(chat.text),
        length=f" - {per_token!r} * len(answer)" if per_token else "",
        template=asking_code.template(chat.text, is_own=not other),
    )  # fmt: skip


def _columns(model: RewardModel) -> str:
    if len(model.columns) == 1:
        return "one score"
    names = ", ".join(map(cards.plain, model.columns))
    return f"{len(model.columns)} scores: {names}; the first is the reward"


def _scale(model: RewardModel, member: Member) -> str:
    """The two numbers that put a raw score on Plumbline's scale, and what they were measured on."""
    known = {"reference": "the completions that the base itself writes", "ranked": "the ranked completions"}
    if model.scaled_by not in known:
        return "Its scale was not measured yet."
    mean, std = float(member.head.mean[0]), float(member.head.std[0])
    return (
        f"Among {known[model.scaled_by]}, raw\nscores have mean {mean:.4f} and standard deviation {std:.4f}; "
        "Plumbline shows `(score - mean) / std`."
    )


def _length(member: Member) -> str:
    """What the adapter and its head do not hold."""
    per_token = float(member.head.per_token[0])
    if not per_token:
        return ""
    return (
        f"\n\n**Length is taken out of it**: {per_token:.4g} for each token of the completion, its end token too. The "
        "adapter does not\nhold that; the code above and `reward.json` do."
    )


def _training(member: Member, models: Sequence[TrainedModel]) -> str:
    found = next((item for item in models if item.model == member.adapter), None)
    if found is None:
        return "This is a checkpoint of a run that has not ended."
    text = f"{cards.learnt(found.pairs, found.prompts)}, {found.steps} steps."
    if found.eval_accuracy is not None:
        text += (
            f" {cards.ordered(found.eval_accuracy).capitalize()}, with a "
            f"log loss of {found.eval_loss:.3f} nats (chance is 0.693)."
        )
    return text
