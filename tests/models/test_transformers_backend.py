"""The transformers backend on random models: batches of any shape give the answers of one prompt at a time.

Needs torch and transformers (`pip install 'execverify[models-transformers]'`); skipped where they are missing.
"""

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from execverify.errors import ModelError  # noqa: E402
from execverify.models import Generation, Request, Sampling, generate_cached, load  # noqa: E402
from execverify.models.transformers_attention import ARCHITECTURES as SHARING  # noqa: E402
from execverify.models.transformers_sampling import BatchSampler, SampleState  # noqa: E402
from tests.helpers.small_models import ARCHITECTURES, random_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning", "default::UserWarning")
PROMPTS = ["a", "what?", "longer than the window of those that slide, by far", "b" * 60, "0", "xyz" * 9, "a", "end"]
GREEDY = Sampling(max_tokens=24)
DRAWN = Sampling(max_tokens=24, temperature=1.0, n=3, seed=3)


def asked(*prompts: str) -> list[Request]:
    return [Request(f"{i}", ({"role": "user", "content": prompt},)) for i, prompt in enumerate(prompts)]


def answers(model: Any, requests: list[Request], sampling: Sampling) -> dict[str, Generation]:
    given = list(model.generate(requests, sampling))
    assert sorted(g.id for g in given) == sorted(r.id for r in requests)
    return {g.id: g for g in given}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model("llama", tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize(
    "begin", ["", "A worked example, the same for all of them, which they begin with. "], ids=["unlike", "alike"]
)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_any_batch_gives_the_answers_of_generate(architecture: str, begin: str, tmp_path: Path) -> None:
    folder = random_model(architecture, tmp_path)
    model = load(str(folder), batch_size=8, device="cpu")
    requests = asked(*(begin + prompt for prompt in PROMPTS))
    given = answers(model, requests, GREEDY)
    plain, tokenizer = model.loaded()  # type: ignore[attr-defined]
    for request in requests:
        text = tokenizer.apply_chat_template(list(request.messages), tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        out = plain.generate(**ids, max_new_tokens=24, do_sample=False, top_k=None)[0, ids["input_ids"].shape[1] :]
        assert given[request.id].completions == (tokenizer.decode(out, skip_special_tokens=True),), request


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN, Sampling(max_tokens=24, temperature=1.0, top_p=0.8, n=3)])
def test_answers_do_not_depend_on_the_batch(sampling: Sampling, llama: Path) -> None:
    first = answers(load(str(llama), batch_size=1, device="cpu"), asked(*PROMPTS), sampling)
    for size in (2, 5, 64):
        requests = asked(*PROMPTS)
        random.Random(size).shuffle(requests)
        assert answers(load(str(llama), batch_size=size, device="cpu"), requests, sampling) == first
    assert all(len(g.completions) == sampling.n and not g.error for g in first.values())


def test_samples_and_seeds_differ(llama: Path) -> None:
    model = load(str(llama), device="cpu")
    first = answers(model, asked(*PROMPTS), DRAWN)
    assert all(len(set(g.completions)) == 3 for g in first.values())
    assert first["0"].completions != first["6"].completions  # one prompt, two ids
    other = answers(model, asked(*PROMPTS), Sampling(max_tokens=24, temperature=1.0, n=3, seed=4))
    assert not set(other["0"].completions) & set(first["0"].completions)
    fresh = Sampling(max_tokens=24, temperature=1.0, seed=None)
    assert answers(model, asked("a"), fresh) != answers(model, asked("a"), fresh)


def test_more_samples_begin_like_fewer(llama: Path) -> None:
    model = load(str(llama), device="cpu", batch_size=2)
    few = answers(model, asked("a"), DRAWN)["0"].completions
    many = answers(model, asked("a"), Sampling(max_tokens=24, temperature=1.0, n=7, seed=3))["0"].completions
    assert many[:3] == few


class _Fixed:
    """A model without a network, for the draws alone."""

    def forward(self, input_ids: Any) -> None: ...


@pytest.mark.parametrize("top_p", [1.0, 0.7])
def test_draws_follow_the_shares(top_p: float) -> None:
    shares = torch.tensor([0.4, 0.05, 0.25, 0.2, 0.1])
    decoder = BatchSampler(_Fixed(), frozenset(), 1.0, top_p)
    count = 20_000
    chance = random.Random(0)
    drawn = Counter(decoder._draw(shares.log().repeat(count, 1), [chance] * count))
    wanted = {0: 0.4, 1: 0.05, 2: 0.25, 3: 0.2, 4: 0.1} if top_p == 1 else {0: 0.4 / 0.85, 2: 0.25 / 0.85, 3: 0.2 / 0.85}
    assert set(drawn) == set(wanted)
    assert all(abs(drawn[token] / count - share) < 0.015 for token, share in wanted.items())


@pytest.mark.parametrize("top_p", [1.0, 0.99])
def test_the_largest_random_number_picks_a_token_with_a_share(top_p: float) -> None:
    """Rounded to float32 it is 1."""
    largest = SimpleNamespace(random=lambda: 1 - 2**-53)
    logits = torch.tensor([[0.0, 0.0, 0.0, float("-inf")]])
    assert BatchSampler(_Fixed(), frozenset(), 1.0, top_p)._draw(logits, [largest])[0] < 3  # type: ignore[list-item]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_without_probabilities_is_refused(temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, float("nan")]])
    with pytest.raises(ModelError, match="NaN"):
        BatchSampler(_Fixed(), frozenset(), temperature, 1.0)._draw(logits, [random.Random(0), random.Random(1)])


def test_top_p_over_a_flat_vocabulary() -> None:
    logits = torch.zeros(4, 5000)
    logits[:, 0] = 1.0
    drawn = BatchSampler(_Fixed(), frozenset(), 1.0, 0.9)._draw(logits, [random.Random(i) for i in range(4)])
    assert len(set(drawn)) == 4  # far more than the first thousand candidates are in play
    assert BatchSampler(_Fixed(), frozenset(), 1.0, 1e-6)._draw(logits, [random.Random(i) for i in range(4)]) == [0] * 4
    cold = BatchSampler(_Fixed(), frozenset(), 0.01, 1.0)._draw(logits, [random.Random(i) for i in range(4)])
    assert cold == [0] * 4


def test_temperature_of_none_is_greedy(llama: Path) -> None:
    model = load(str(llama), device="cpu")
    greedy = answers(model, asked(*PROMPTS), GREEDY)
    cold = answers(model, asked(*PROMPTS), Sampling(max_tokens=24, temperature=1e-4))
    assert greedy == cold


def test_what_prompts_begin_with_is_read_once(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = BatchSampler._step

    def counting(self: BatchSampler, ids: Any, mask: Any, cache: Any) -> Any:
        read.append(tuple(ids.shape))
        return real(self, ids, mask, cache)

    monkeypatch.setattr(BatchSampler, "_step", counting)
    begin = "b" * 100
    answers(load(str(llama), device="cpu"), asked(*(begin + end for end in "xyz")), Sampling(max_tokens=1, temperature=1.0, n=2))
    (first, shared), (rows, rest) = read
    assert (first, rows) == (1, 3) and shared >= 100 and rest < 20


def test_stop_texts_end_a_completion(llama: Path) -> None:
    model = load(str(llama), device="cpu")
    text = answers(model, asked("a"), GREEDY)["0"].completions[0]
    mark = text[5:8]
    given = answers(model, asked("a"), Sampling(max_tokens=24, stop=("never seen", mark)))["0"]
    assert given == Generation("0", (text[: text.find(mark)],), None, ("stop",))


def test_finish_reasons(llama: Path) -> None:
    given = answers(load(str(llama), device="cpu"), asked("a"), Sampling(max_tokens=3))["0"]
    assert given.finish_reasons == ("length",)


def test_prompts_that_do_not_fit_are_errors(llama: Path) -> None:
    given = answers(load(str(llama), device="cpu"), asked("a", "x" * 600, "y" * 480), Sampling(max_tokens=64))
    assert given["0"].error is None
    assert "the model takes 1 to 511" in str(given["1"].error) and given["1"].completions == ()
    assert given["2"].error is None and given["2"].finish_reasons[0] in ("stop", "length")


def test_little_memory_halves_the_batch(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(load(str(llama), device="cpu"), asked(*PROMPTS), GREEDY)
    real = BatchSampler.run

    def small(self: BatchSampler, rows: Any) -> Any:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, rows)

    monkeypatch.setattr(BatchSampler, "run", small)
    assert answers(load(str(llama), device="cpu"), asked(*PROMPTS), GREEDY) == whole


def test_a_batch_that_breaks_is_an_error_and_the_others_go_on(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = BatchSampler.run

    def fragile(self: BatchSampler, rows: Any) -> Any:
        if len(rows[0].prompt) > 60:
            raise RuntimeError("device-side assert")
        return real(self, rows)

    monkeypatch.setattr(BatchSampler, "run", fragile)
    given = answers(load(str(llama), device="cpu", batch_size=2), asked(*PROMPTS), GREEDY)
    assert "device-side assert" in str(given["3"].error) and given["0"].error is None


def test_no_chat_template(tmp_path: Path) -> None:
    folder = random_model("llama", tmp_path, template=None)
    with pytest.warns(UserWarning, match="has no chat template"):
        warned = answers(load(str(folder), device="cpu"), asked("a"), GREEDY)
    assert warned == answers(load(str(folder), device="cpu", chat_template="plain"), asked("a"), GREEDY)


def test_an_answer_that_is_begun_goes_on(llama: Path) -> None:
    model = load(str(llama), device="cpu")
    text = answers(model, asked("a"), GREEDY)["0"].completions[0]
    begun = Request("0", ({"role": "user", "content": "a"}, {"role": "assistant", "content": text[:6]}))
    if text[:6] == text[:6].strip() and text[:6].isascii():
        assert answers(model, [begun], Sampling(max_tokens=6))["0"].completions[0] == text[6:12]


def test_a_template_that_refuses_is_told(tmp_path: Path) -> None:
    folder = random_model("llama", tmp_path, template="{{ raise_exception('no system role') }}")
    with pytest.raises(ModelError, match="rejects the messages: no system role"):
        list(load(str(folder), device="cpu").generate(asked("a"), GREEDY))


def test_settings_and_checkpoints_that_change(llama: Path, tmp_path: Path) -> None:
    model = load(str(llama), device="cpu")
    assert model.name == llama.name
    assert model.settings["dtype"] == "float32" and model.settings["transformers"] == transformers.__version__
    folder = random_model("llama", tmp_path / "m")
    kept = tmp_path / "g.jsonl"
    list(generate_cached(kept, load(str(folder), device="cpu"), asked("a"), GREEDY))
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="weights is"):
        list(generate_cached(kept, load(str(folder), device="cpu"), asked("a"), GREEDY))


def test_models_that_cannot_be_had(tmp_path: Path) -> None:
    for name in ("./nowhere", "nowhere.gguf"):
        with pytest.raises(ModelError, match="no such file or folder"):
            load(name)
    empty = load(str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match="could not be loaded") as told:
        list(empty.generate(asked("a"), GREEDY))
    assert "\n" not in str(told.value)
    with pytest.raises(ModelError, match="dtype is 'int'"):
        load(str(tmp_path), dtype="int")


@pytest.mark.parametrize("architecture", SHARING)
@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_samples_of_a_prompt_share_its_cache(
    architecture: str, top_p: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples that are decoded together are those that are decoded alone, with the attention of transformers."""
    sizes = {**ARCHITECTURES["llama"], **({"sliding_window": None} if architecture == "mistral" else {})}
    monkeypatch.setitem(ARCHITECTURES, architecture, ARCHITECTURES.get(architecture, sizes) | sizes)
    model = transformers.AutoModelForCausalLM.from_pretrained(random_model(architecture, tmp_path)).eval()
    prompts = [(5, 9, 9, 30), (7,) * 21, (8, 4), (11, 12, 13)]
    lengths = [(80, 3, 60, 70, 2, 9), (4, 4, 5, 1), (30, 70, 2), (2, 1)]  # the last prompts lose all their samples first
    wanted, rows = [], []
    sampler = BatchSampler(model, frozenset([2]), 1.0, top_p)
    for prompt, group in zip(prompts, lengths, strict=True):
        for place, length in enumerate(group):
            alone = SampleState(prompt, f"{prompt}{place}", length)
            list(sampler.run([alone]))
            assert sampler._groups is None
            wanted.append(alone.tokens)
            rows.append(SampleState(prompt, f"{prompt}{place}", length))
    order = random.Random(1).sample(rows, len(rows))
    assert {id(row) for row in sampler.run(order)} == {id(row) for row in rows}
    assert sampler._groups is not None and model.config._attn_implementation == "sdpa"
    assert [row.tokens for row in rows] == wanted


@pytest.mark.parametrize("setting", ["window", "dropout", "eager"])
def test_models_whose_samples_share_no_cache(setting: str, tmp_path: Path) -> None:
    folder = random_model("mistral" if setting == "window" else "llama", tmp_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    if setting == "dropout":
        model.config.attention_dropout = 0.1
        model.train()
    if setting == "eager":
        model.set_attn_implementation("eager")
    sampler = BatchSampler(model, frozenset([2]), 1.0, 1.0)
    list(sampler.run([SampleState((5, 6), i, 4) for i in range(4)]))
    assert sampler._groups is None
