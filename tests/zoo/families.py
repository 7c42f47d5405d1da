"""The families of models that people bring, each with a shape that is as odd as its own and tiny.

`ways` is how the program reads it, in writing, scoring and training: `laid out` (all sequences in one row without
padding), `cache` (answers go on from their prompts' cache), `whole` (each sequence anew). One that is laid out goes by
its cache in sequences beyond its sliding window. What stands here is asserted by `test_zoo`, and the guide's page
*Which models work* is made of it.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.zoo import tongues
from tests.zoo.tongues import Tongue

LAID_OUT, CACHE, WHOLE = "laid out", "cache", "whole"
ROW = (LAID_OUT, LAID_OUT, LAID_OUT)
CACHED = (CACHE, CACHE, CACHE)

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
CONTEXT = {"max_position_embeddings": 512}
GROUPED = SIZES | CONTEXT | {"num_key_value_heads": 2}
ALTERNATING = {"sliding_window": 24, "layer_types": ["sliding_attention", "full_attention"]}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}
LINEAR = {
    "head_dim": 16, "linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 2,
    "linear_num_value_heads": 4, "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2}
GRANITE = {
    "logits_scaling": 8.0, "residual_multiplier": 0.22, "attention_multiplier": 0.1, "embedding_multiplier": 6.0,
    "tie_word_embeddings": True,
}  # fmt: skip
MAMBA2 = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_chunk_size": 8}


def without(name: str) -> dict[str, Any]:
    """The sizes but for one."""
    return {key: value for key, value in (SIZES | CONTEXT).items() if key != name}


def rope(kind: str, **more: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


@dataclass(frozen=True)
class Family:
    name: str
    models: str
    """As people know them."""
    config: str
    """transformers' class."""
    shape: dict[str, Any]
    tongue: Tongue
    ways: tuple[str, str, str] = ROW
    embedding: float = 0.6
    """How large the embeddings are drawn."""
    inside: bool = False
    """Is the text model the part of another that also reads images?"""
    context: int = 512
    more: dict[str, Any] = field(default_factory=dict)
    """Of the config, beside the sizes of the text model."""
    remark: str = ""

    @property
    def window(self) -> bool:
        return self.shape.get("sliding_window") is not None and self.ways == ROW


#: The default suite tries these, and the marker `zoo` the others, too.
FIRST = ("llama", "qwen3", "gemma2", "gpt2", "lfm2")
#: And this through the whole loop, whose steps `tests/core` takes with Llama and GPT-2.
FIRST_LOOPED = ("lfm2",)

FAMILIES = [
    Family("llama", "Llama 1 and 2, TinyLlama, SmolLM, Yi, Vicuna", "LlamaConfig", GROUPED, tongues.LLAMA2),
    Family("llama3", "Llama 3 to 3.3", "LlamaConfig", GROUPED | {"head_dim": 8, "tie_word_embeddings": True} | rope(
        "llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64
    ), tongues.LLAMA3, remark="Its template writes a date: a project keeps one."),
    Family("mistral", "Mistral 7B, Zephyr", "MistralConfig", GROUPED | {"sliding_window": 24}, tongues.LLAMA2),
    Family("ministral", "Ministral", "MinistralConfig", GROUPED | ALTERNATING | {"head_dim": 8}, tongues.LLAMA2),
    Family("qwen2", "Qwen 1.5, 2 and 2.5", "Qwen2Config", GROUPED | {"tie_word_embeddings": True}, tongues.QWEN),
    Family("yarn", "Qwen 2.5 with yarn", "Qwen2Config", GROUPED | rope(
        "yarn", factor=4.0, original_max_position_embeddings=128
    ), tongues.QWEN),
    Family("qwen3", "Qwen 3", "Qwen3Config", GROUPED | {"head_dim": 16, "tie_word_embeddings": True, "vocab_size": 320},
           tongues.QWEN3, remark="Thinking is switched in the project's chat settings."),
    Family("gemma", "Gemma", "GemmaConfig", SIZES | CONTEXT | {"num_key_value_heads": 1, "head_dim": 16},
           tongues.GOOGLE),
    Family("gemma2", "Gemma 2", "Gemma2Config", GROUPED | ALTERNATING | {
        "head_dim": 16, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0,
    }, tongues.GOOGLE, CACHED),
    Family("gemma3", "Gemma 3 270M and 1B", "Gemma3TextConfig", GROUPED | ALTERNATING | {
        "head_dim": 16, "query_pre_attn_scalar": 24,
    }, tongues.GOOGLE, embedding=0.15),
    Family("gemma3-vision", "Gemma 3 4B and larger", "Gemma3Config", GROUPED | ALTERNATING | {
        "head_dim": 16, "query_pre_attn_scalar": 24,
    }, tongues.GOOGLE, inside=True, more={
        "vision_config": {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                          "image_size": 28, "patch_size": 14},
        "mm_tokens_per_image": 4,
    }, remark="The language model is tuned; the tower for images stays as it is."),
    Family("gemma3n", "Gemma 3n, text", "Gemma3nTextConfig", GROUPED | {
        "num_hidden_layers": 4, "head_dim": 16, "sliding_window": 24, "hidden_size_per_layer_input": 8,
        "laurel_rank": 4, "num_kv_shared_layers": 2, "activation_sparsity_pattern": [0.95, 0.95, 0.0, 0.0],
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    }, tongues.GOOGLE),
    Family("gemma4", "Gemma 4, text", "Gemma4TextConfig", GROUPED | {
        "num_hidden_layers": 4, "head_dim": 16, "sliding_window": 24, "hidden_size_per_layer_input": 8,
        "num_kv_shared_layers": 2, "final_logit_softcapping": 5.0,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    }, tongues.GOOGLE),
    Family("phi2", "Phi 1.5 and 2", "PhiConfig", SIZES | CONTEXT, tongues.BARE),
    Family("phi3", "Phi 3 and 3.5", "Phi3Config", GROUPED | {
        "original_max_position_embeddings": 512, "sliding_window": 24,
    }, tongues.PHI3),
    Family("phi4-mini", "Phi 3.5 and 4 mini with longrope", "Phi3Config", GROUPED | {
        "hidden_size": 64, "original_max_position_embeddings": 128, "tie_word_embeddings": True,
    } | rope("longrope", partial_rotary_factor=0.75, short_factor=[1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
             long_factor=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], original_max_position_embeddings=128),
           tongues.PHI3, context=128, remark="Texts up to where its positions change (4,096 tokens)."),
    Family("pythia", "Pythia, GPT-NeoX", "GPTNeoXConfig", SIZES | CONTEXT | rope("default", partial_rotary_factor=0.25),
           tongues.BARE),
    Family("gpt2", "GPT-2, DistilGPT-2", "GPT2Config", GPT2, tongues.BARE),
    Family("opt", "OPT", "OPTConfig", without("intermediate_size") | {
        "ffn_dim": 64, "word_embed_proj_dim": 32,
    }, tongues.OPT),
    Family("opt-350m", "OPT-350m", "OPTConfig", without("intermediate_size") | {
        "ffn_dim": 64, "word_embed_proj_dim": 16, "do_layer_norm_before": False,
    }, tongues.OPT),
    Family("falcon", "Falcon 7B and 40B", "FalconConfig", {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, **CONTEXT,
    }, tongues.BARE, CACHED),
    Family("bloom", "BLOOM, BLOOMZ", "BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4}, tongues.BLOOM,
           CACHED, context=2048),
    Family("mpt", "MPT", "MptConfig", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 512}, tongues.BARE,
           CACHED, context=2048),
    Family("granite", "Granite 3", "GraniteConfig", GROUPED | GRANITE, tongues.IBM, embedding=0.15),
    Family("granite4", "Granite 4 hybrid", "GraniteMoeHybridConfig", GROUPED | GRANITE | MAMBA2 | {
        "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 32, "mamba_expand": 2,
        "layer_types": ["mamba", "attention"], "position_embedding_type": "nope",
    }, tongues.IBM, CACHED),
    Family("olmo1", "OLMo", "OlmoConfig", SIZES | CONTEXT, tongues.TULU),
    Family("olmo2", "OLMo 2", "Olmo2Config", SIZES | CONTEXT, tongues.TULU),
    Family("olmo3", "OLMo 3", "Olmo3Config", SIZES | CONTEXT | ALTERNATING, tongues.TULU),
    Family("olmoe", "OLMoE", "OlmoeConfig", SIZES | CONTEXT | EXPERTS, tongues.TULU),
    Family("cohere", "Command R, Aya 23", "CohereConfig", GROUPED | {"logit_scale": 0.0625, "use_qk_norm": True},
           tongues.COMMAND),
    Family("cohere2", "Command R7B, Command A", "Cohere2Config", GROUPED | ALTERNATING | {"logit_scale": 0.25},
           tongues.COMMAND),
    Family("stablelm", "StableLM 2", "StableLmConfig", GROUPED | {"use_qkv_bias": True, "qk_layernorm": True} | rope(
        "default", partial_rotary_factor=0.25
    ), tongues.TULU, CACHED),
    Family("starcoder2", "StarCoder 2", "Starcoder2Config", GROUPED | {"sliding_window": 24}, tongues.BARE),
    Family("smollm3", "SmolLM3", "SmolLM3Config", GROUPED | {"no_rope_layers": [1, 0]}, tongues.QWEN3),
    Family("glm4", "GLM-4", "Glm4Config", GROUPED | {"head_dim": 8}, tongues.IM),
    Family("exaone4", "EXAONE 4", "Exaone4Config", GROUPED | ALTERNATING, tongues.IM),
    Family("nanochat", "nanochat", "NanoChatConfig", GROUPED, tongues.IM),
    Family("parts", "text models with the template of a vision family", "LlamaConfig", GROUPED, tongues.IN_PARTS),
    Family("mixtral", "Mixtral", "MixtralConfig", GROUPED | {"num_local_experts": 4}, tongues.LLAMA2),
    Family("qwen3-moe", "Qwen 3 mixtures of experts", "Qwen3MoeConfig", GROUPED | EXPERTS | {
        "head_dim": 16, "moe_intermediate_size": 16,
    }, tongues.QWEN3),
    Family("gpt-oss", "gpt-oss", "GptOssConfig", GROUPED | ALTERNATING | {
        "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2,
    } | rope("default"), tongues.OPENAI, CACHED),
    Family("deepseek-v3", "DeepSeek V3 and R1", "DeepseekV3Config", SIZES | CONTEXT | {
        "num_key_value_heads": 4, "moe_intermediate_size": 16, "n_routed_experts": 4, "kv_lora_rank": 8,
        "q_lora_rank": 16, "qk_rope_head_dim": 4, "v_head_dim": 8, "qk_nope_head_dim": 8, "n_group": 2,
        "topk_group": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 1,
    }, tongues.WHALE),
    Family("lfm2", "LFM2", "Lfm2Config", GROUPED | {
        "layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False,
    }, tongues.IM, CACHED),
    Family("qwen3-next", "Qwen3-Next", "Qwen3NextConfig", GROUPED | LINEAR | EXPERTS | {
        "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
    }, tongues.QWEN3, (CACHE, CACHE, WHOLE)),
    Family("qwen3.5", "Qwen 3.5, text", "Qwen3_5TextConfig", GROUPED | LINEAR | {"tie_word_embeddings": True},
           tongues.QWEN3, (CACHE, CACHE, WHOLE)),
    Family("mamba", "Mamba", "MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}, tongues.BARE,
           (WHOLE, WHOLE, WHOLE), context=2048),
    Family("mamba2", "Mamba 2", "Mamba2Config", {
        "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "num_heads": 4, "head_dim": 16, "n_groups": 1,
        "chunk_size": 8,
    }, tongues.BARE, CACHED, context=2048),
    Family("jamba", "Jamba", "JambaConfig", GROUPED | {
        "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": 4, "mamba_d_state": 8,
    }, tongues.IM, (CACHE, WHOLE, WHOLE)),
    Family("falcon-h1", "Falcon-H1", "FalconH1Config", GROUPED | MAMBA2 | {
        "mamba_d_ssm": 64, "lm_head_multiplier": 0.25, "embedding_multiplier": 3.0,
    }, tongues.IM, CACHED),
    Family("zamba2", "Zamba 2", "Zamba2Config", SIZES | {
        "num_hidden_layers": 3, "layers_block_type": ["mamba", "mamba", "hybrid"], "mamba_d_state": 8,
        "mamba_ngroups": 1, "n_mamba_heads": 4, "mamba_headdim": 16, "chunk_size": 8, "num_mem_blocks": 1,
    }, tongues.IM, (WHOLE, CACHE, CACHE), context=4096),
    Family("nemotron-h", "Nemotron-H", "NemotronHConfig", without("num_hidden_layers") | {
        "num_key_value_heads": 2,
        "head_dim": 8, "layers_block_type": ["mamba", "attention", "mlp"], "ssm_state_size": 8, "mamba_num_heads": 4,
        "mamba_head_dim": 16, "n_groups": 1, "chunk_size": 8,
    }, tongues.IM, CACHED),
    Family("recurrent-gemma", "RecurrentGemma", "RecurrentGemmaConfig", SIZES | {
        "num_hidden_layers": 3, "lru_width": 32, "attention_window_size": 64,
    }, tongues.GOOGLE, (WHOLE, WHOLE, WHOLE), context=2048),
    Family("rwkv", "RWKV 4", "RwkvConfig", {"hidden_size": 32, "num_hidden_layers": 2, "context_length": 512},
           tongues.BARE, (WHOLE, WHOLE, WHOLE)),
]  # fmt: skip
BY_NAME = {family.name: family for family in FAMILIES}


@dataclass(frozen=True)
class Refused:
    """What is refused when it is loaded, with a part of the sentence."""

    name: str
    models: str
    config: str
    shape: dict[str, Any]
    tongue: Tongue
    says: str
    why: str
    kind: str = "AutoModelForCausalLM"


REFUSED = [
    Refused("t5", "T5, BART and other encoder-decoders", "T5Config", {
        "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4,
    }, tongues.IM, "an encoder with a decoder", "they do not go on from a text", "T5ForConditionalGeneration"),
    Refused("bert", "BERT and other encoders", "BertConfig", SIZES, tongues.IM, "no causal language model",
            "they look ahead", "BertForMaskedLM"),
    Refused("llama4", "Llama 4", "Llama4TextConfig", GROUPED | {
        "head_dim": 8, "intermediate_size_mlp": 64, "num_local_experts": 2, "attention_chunk_size": 24,
        "no_rope_layers": [1, 0], "interleave_moe_layer_step": 2,
    }, tongues.LLAMA3, "does what is not known", "its states are not where they are read"),
]  # fmt: skip
