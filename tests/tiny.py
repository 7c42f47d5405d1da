"""A llama-shaped model of two layers and its byte tokenizer, made on the spot: seconds, no download."""

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'][0] }}>{{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)


def make_tiny_model(folder: Path, *, architecture: str = "llama", chat_template: str | None = CHAT_TEMPLATE) -> Path:
    """Write a random causal model (vocabulary of 261, hidden size 32, float32) with a tokenizer to `folder`.

    `gpt2` has absolute positions, so it catches wrong position ids, to which `llama` is blind.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["</s>", "<s>", "<u>", "<a>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        bos_token="<s>",
        unk_token="<unk>",
        pad_token="</s>",
        additional_special_tokens=["<u>", "<a>"],
    )
    if chat_template:
        fast.chat_template = chat_template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    ids = {"bos_token_id": 1, "eos_token_id": 0, "pad_token_id": 0}
    shared = {"vocab_size": len(vocabulary), "tie_word_embeddings": False, **ids}
    if architecture == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=256, **shared))
    else:
        config = LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            **shared,
        )
        model = LlamaForCausalLM(config)
    # A random head says nearly the same of every token, and adapters below it could not change that.
    model.get_output_embeddings().weight.data.mul_(10)
    model.save_pretrained(folder)
    return folder
