"""Many candidates, a tenth of them hostile: nothing is left, nothing grows, and every verdict is the one of a quiet run.

    python tests/soak.py [--count 20000] [--workers 4] [--seed 0]

Exits with 1 where anything is not as it must be.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from execverify.sandbox.candidates import Candidate, run_candidates
from execverify.sandbox.isolation import children
from execverify.sandbox.result import Limits, Outcome, Result
from execverify.sandbox.sandbox import Sandbox
from tests.data.hostile_programs import ALL, Snippet

LIMITS = Limits(timeout=1.0, memory=80_000_000, output=100_000)
_MANY = 500  # results after which the memory is looked at

_HONEST = (
    ("def f(n):\n    return [i * i for i in range(n)]", "f", 3),
    ("def f(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a", "f", 5),
    ("from collections import Counter\ndef f(n):\n    return dict(Counter(str(3 ** n)))", "f", 2),
    ("import math\nclass Solution:\n    def g(self, n):\n        return math.gcd(n, 84), f'{n:b}'", "Solution.g", 4),
    ("def f(n):\n    if n % 3 == 0:\n        raise ValueError(n)\n    return n", "f", 3),
    ("n = int(input())\nprint(sum(range(n)))", None, 3),
    ("import sys\nfor line in sys.stdin:\n    print(int(line) * 2)", None, 2),
    ("def f(n):\n    return n +", "f", 1),
)  # fmt: skip


@dataclass
class Figures:
    """What a run came to."""

    outcomes: Counter[str]
    wrong: list[str]
    seconds: float = 0.0
    caller: tuple[int, int] = (0, 0)
    forkserver: tuple[int, int] = (0, 0)
    zombies: int = 0


def honest(rng: random.Random) -> tuple[str, Candidate]:
    """An honest candidate, and the name under which its verdict is known."""
    source, entry_point, count = rng.choice(_HONEST)
    numbers = tuple(str(rng.randint(1, 9)) for _ in range(count))
    return f"{source!r} {numbers}", Candidate(source, numbers, entry_point)


def hostile(rng: random.Random, snippets: list[Snippet], canary: Path) -> tuple[str, Candidate]:
    """A hostile candidate; whatever it does to a file, it does to the canary."""
    snippet = rng.choice(snippets)
    source = snippet.source
    for name, value in {"{canary!r}": repr(str(canary)), "{tests!r}": repr(__file__), "{port}": "9", "{paths!r}": "[]"}.items():
        source = source.replace(name, value)
    return snippet.id, Candidate(source, ("3\n",) if snippet.program else ("3",), None if snippet.program else "f")


def mixed(count: int, seed: int, snippets: list[Snippet], canary: Path) -> Iterator[tuple[str, Candidate]]:
    """Candidates by name, each tenth of them hostile."""
    for index in range(count):
        rng = random.Random(f"{seed} {index}")
        yield hostile(rng, snippets, canary) if index % 10 == 9 else honest(rng)


def told(results: tuple[Result, ...]) -> tuple[tuple[str, str | None, str], ...]:
    """What a verdict rests on."""
    return tuple((str(r.outcome), r.value.text if r.value else r.error, r.stdout) for r in results)


def run(count: int, workers: int, seed: int, snippets: list[Snippet]) -> Figures:
    """The run, beside a quiet one: each honest candidate alone, once, before it."""
    figures = Figures(Counter(), [])
    by_id = {snippet.id: snippet for snippet in ALL}
    with tempfile.TemporaryDirectory() as folder, Sandbox(untrusted=True) as box:
        canary = Path(folder) / "canary"
        canary.write_text("secret")
        quiet = {}
        for name, candidate in mixed(count, seed, snippets, canary):
            if name not in by_id and name not in quiet:
                quiet[name] = told(next(run_candidates([candidate], limits=LIMITS, sandbox=box)))
        assert box._forkserver is not None
        forkserver, files = box._forkserver, descriptors()
        figures.caller, figures.forkserver = (resident("self"), 0), (resident(forkserver.process.pid), 0)
        began = time.monotonic()
        names = [name for name, _ in mixed(count, seed, snippets, canary)]
        candidates = (candidate for _, candidate in mixed(count, seed, snippets, canary))
        for index, results in enumerate(run_candidates(candidates, limits=LIMITS, workers=workers, sandbox=box)):
            judge(figures, names[index], results, quiet, by_id)
            if index == _MANY:  # by now everything is warm
                figures.caller, figures.forkserver = (resident("self"), 0), (resident(forkserver.process.pid), 0)
        figures.seconds = time.monotonic() - began
        time.sleep(0.5)
        left = children(forkserver.process.pid) - {forkserver.init}
        figures.zombies = sum(is_zombie(pid) for pid in left)
        figures.caller = (figures.caller[0], resident("self"))
        figures.forkserver = (figures.forkserver[0], resident(forkserver.process.pid))
        for what, wrong in {
            f"{len(left)} processes are left": len(left) > 1,
            f"{len((forkserver.init and children(forkserver.init)) or ())} orphans are left": bool(
                forkserver.init and children(forkserver.init)
            ),
            "descriptors are left": len(descriptors()) > len(files),
            "files are left": list(Path(forkserver.root).iterdir()),
            "the canary is another": canary.read_text() != "secret",
            "the forkserver was replaced": box._forkserver is not forkserver,
            f"the caller grew: {figures.caller}": figures.caller[1] - figures.caller[0] > 16_000_000,
            f"the forkserver grew: {figures.forkserver}": figures.forkserver[1] - figures.forkserver[0] > 2_000_000,
            "zombies": figures.zombies,
        }.items():
            if wrong:
                figures.wrong.append(what)
    return figures


def judge(
    figures: Figures, name: str, results: tuple[Result, ...], quiet: Mapping[str, object], by_id: dict[str, Snippet]
) -> None:
    """Holds results against what they must be."""
    figures.outcomes.update(str(result.outcome) for result in results)
    if name in quiet:
        if told(results) != quiet[name]:
            figures.wrong.append(f"another verdict than in the quiet run: {name}: {told(results)} != {quiet[name]}")
    elif results[0].outcome not in by_id[name].outcomes and results[0].outcome != Outcome.TIMED_OUT:
        figures.wrong.append(f"{name}: {results[0]}")
    elif results[0].value is not None and results[0].value.text == "1042":
        figures.wrong.append(f"{name} was paid")


def descriptors() -> set[str]:
    return {link.name for link in Path("/proc/self/fd").iterdir() if link.exists()}


def resident(pid: int | str) -> int:
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def main() -> None:
    """Runs it, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures = run(options.count, options.workers, options.seed, list(ALL))
    rate = options.count / figures.seconds
    print(f"{options.count} candidates in {figures.seconds:.0f} s ({rate:.0f} a second, {options.workers} workers)")
    print(f"outcomes of tests: {dict(figures.outcomes.most_common())}")
    print(f"resident memory, from when all was warm to the end: caller {figures.caller}, forkserver {figures.forkserver} bytes")
    print("\n".join(figures.wrong[:40]) or "nothing is left, nothing grew, every verdict is the quiet one's")
    sys.exit(bool(figures.wrong))


if __name__ == "__main__":
    main()
