"""Our transformers backend beside plain `generate`: the same model, prompts, batch size and greedy decoding, in the same run.

    python bench/models.py MODEL [--prompts own|examples] [--count N] [--batch-size N] [--max-tokens N] [--rounds N] [--json]

MODEL is a hub name, a folder, or a `.gguf` file. The prompts are synthesized tasks of all kinds and levels in their own order, asked
for direct answers ("heldout"), or output predictions after three worked examples, as benchmarks are often asked ("examples").
Plain `generate` gets them in that order, batch by batch, left-padded; "sorted" gets them by length; "ours" also lets a row leave
its batch when it is done, and reads once what the prompts begin with. Seconds are of processor time on a processor, of the
clock on a GPU.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import execverify as ev
from execverify.models import Request, Sampling
from execverify.models.transformers_backend import Transformers
from execverify.questions.prompts import prompt_text

WANTED = 1.5


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--prompts", choices=("heldout", "examples"), default="heldout")
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    requests = own(options.count) if options.prompts == "heldout" else examples(options.count)
    backend = Transformers(options.model, batch_size=options.batch_size)
    sampling = Sampling(max_tokens=options.max_tokens)
    contest = Contest(backend, requests, sampling, options.batch_size)
    figures = contest.figures(options.rounds)
    if options.json:
        print(json.dumps({"settings": dict(backend.settings), "count": options.count, "figures": figures}))
        return
    for figure in figures:
        told = f"{figure['seconds']:8.1f} s  {figure['tokens_a_second']:7.1f} tokens/s  {figure['ratio']:5.2f} of plain"
        print(f"{figure['what']:34} {told}  {figure['same']} of {options.count} answers as plain")
    ours = figures[-1]["ratio"]
    print(f"wanted: at least {WANTED} of plain generate: {'kept' if ours >= WANTED else 'missed'}")


def own(count: int) -> list[Request]:
    """Requests of synthesized tasks, in the order in which they come."""
    requests = []
    for task in ev.generate_tasks(size=count, seed=0):
        text = prompt_text(task.kind, task.program, str(task.result.text), task.questions, "direct")
        requests.append(Request(task.id, ({"role": "user", "content": text},)))
    return requests


def examples(count: int) -> list[Request]:
    """Requests to predict an output, each after the same three worked examples."""
    shown: list[str] = []
    asked = []
    for task in ev.generate_tasks(size=count + 3, seed=1):
        program = f"{task.program.source.strip()}\nassert {task.program.one_line_call} == "
        if len(shown) < 3:
            shown.append(f"{program}{task.result.text}\n")
        else:
            asked.append(Request(task.id, ({"role": "user", "content": "\n".join([*shown, f"{program}??"])},)))
    return asked


class Contest:
    """The same prompts through each way of decoding."""

    def __init__(self, backend: Transformers, requests: list[Request], sampling: Sampling, batch_size: int) -> None:
        self.backend, self.requests, self.sampling, self.batch_size = backend, requests, sampling, batch_size
        self.model, self.tokenizer = backend.loaded()
        self.tokenizer.padding_side = "left"
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        texts = (self.tokenizer.apply_chat_template([*r.messages], tokenize=False, add_generation_prompt=True) for r in requests)
        self.texts = list(texts)

    def figures(self, rounds: int) -> list[dict[str, Any]]:
        """What each way takes: the median of the rounds, in turn so that a busy machine is busy for all."""
        by_length = sorted(range(len(self.texts)), key=lambda i: -len(self.tokenizer(self.texts[i])["input_ids"]))
        ways: dict[str, Callable[[], dict[str, str]]] = {
            "plain generate, in their order": lambda: self.plain(list(range(len(self.texts)))),
            "plain generate, sorted by length": lambda: self.plain(by_length),
            "ours": self.ours,
        }
        self.backend_warm()
        taken: dict[str, list[float]] = {name: [] for name in ways}
        answers: dict[str, dict[str, str]] = {}
        for _ in range(rounds):
            for name, way in ways.items():
                began = self.now()
                answers[name] = way()
                taken[name].append(self.now() - began)
        base = statistics.median(next(iter(taken.values())))
        plain = next(iter(answers.values()))
        figures = []
        for name, seconds in taken.items():
            median = statistics.median(seconds)
            tokens = sum(len(self.tokenizer(text)["input_ids"]) for text in answers[name].values())
            same = sum(answers[name][key] == text for key, text in plain.items())
            figures.append(
                {"what": name, "seconds": median, "tokens_a_second": tokens / median, "ratio": base / median, "same": same}
            )
        return figures

    def plain(self, order: list[int]) -> dict[str, str]:
        """transformers' own `generate`."""
        import torch

        answers = {}
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            inputs = self.tokenizer([self.texts[i] for i in batch], add_special_tokens=False, padding=True, return_tensors="pt")
            inputs = inputs.to(self.model.device)
            with torch.inference_mode():
                out = self.model.generate(**inputs, max_new_tokens=self.sampling.max_tokens, do_sample=False)
            new = self.tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            answers.update({self.requests[i].id: text for i, text in zip(batch, new, strict=True)})
        return answers

    def ours(self) -> dict[str, str]:
        """The backend."""
        return {g.id: g.completions[0] for g in self.backend.generate(self.requests, self.sampling)}

    def backend_warm(self) -> None:
        """A first batch, not measured."""
        list(self.backend.generate(self.requests[:2], Sampling(max_tokens=2)))

    def now(self) -> float:
        """Processor time where the processor does the work."""
        return time.process_time() if self.model.device.type == "cpu" else time.perf_counter()


if __name__ == "__main__":
    main()
