"""Compiling and running programs in other languages, confined as far as a compiler lets itself be.

Each step (compiler, program) is a process group of its own in a folder of its own: limits on processor time, file size, core dumps
and, for native programs, address space; a wall clock limit `_WALL_CLOCK_FACTOR` times as long, so that a busy machine fails no program; no
environment but what tools need; no network where the system gives namespaces; and no writing outside the folder where the kernel has
Landlock. That is less than the sandbox for Python: files can be read. So it is for programs of a benchmark into which a model has put
one expression, and not for whole programs of a model's.
"""

import atexit
import contextlib
import ctypes
import functools
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from execverify.sandbox.isolation import landlock

COMPILE_SECONDS, RUN_SECONDS = 60.0, 10.0
"""Processor time of a step, in seconds. A program that takes more is wrong.

A compiler that takes more, and a step that the wall clock ends, give no verdict.
"""

_WALL_CLOCK_FACTOR = 6
_MEMORY = 4 * 1024**3
_FILE = 64 * 1024**2
_NO_NEW_PRIVILEGES = 38
_LAUNCHER = "from execverify.evaluation.languages import launcher_main; launcher_main()"
_KEPT = (
    "PATH",
    "CLASSPATH",
    "PERL5LIB",
    "NODE_PATH",
    "JAVA_HOME",
    "RUSTUP_HOME",
    "CARGO_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOROOT",
    "LANG",
    "DOTNET_ROOT",
)
_JAVA_FLAGS = os.pathsep.join([".", *filter(None, [os.environ.get("CLASSPATH")])])  # javac looks there by itself


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is run. `{file}` stands for the program's file.

    Attributes:
        name: in words.
        file: what the program's file is called.
        compile: the compiler's command; empty where there is none.
        run: the program's command.
        native: whether its address space can be limited.
    """

    name: str
    file: str
    compile: tuple[str, ...]
    run: tuple[str, ...]
    native: bool = False


LANGUAGES: Mapping[str, Language] = {
    "cpp": Language("C++", "main.cpp", ("g++", "-std=c++17", "-O0", "-o", "main", "main.cpp"), ("./main",), True),
    "java": Language("Java", "Problem.java", ("javac", "-J-XX:-UsePerfData", "Problem.java"),
                     ("java", "-XX:-UsePerfData", "-Xmx1g", "-ea", "-cp", _JAVA_FLAGS, "Problem")),
    "js": Language("JavaScript", "main.js", (), ("node", "--max-old-space-size=1024", "main.js")),
    "ts": Language("TypeScript", "main.ts", ("tsc", "--target", "es2020", "main.ts"), ("node", "main.js")),
    "go": Language("Go", "main_test.go", (), ("go", "test", "main_test.go")),
    "rs": Language("Rust", "main.rs", ("rustc", "-o", "main", "main.rs"), ("./main",), True),
    "php": Language("PHP", "main.php", (), ("php", "main.php")),
    "rb": Language("Ruby", "main.rb", (), ("ruby", "main.rb")),
    "pl": Language("Perl", "main.pl", (), ("perl", "main.pl"), True),
    "lua": Language("Lua", "main.lua", (), ("lua", "main.lua"), True),
    "sh": Language("Bash", "main.sh", (), ("bash", "main.sh"), True),
    "cs": Language("C#", "main.cs", ("mcs", "-d:DEBUG", "-out:main.exe", "main.cs"), ("mono", "main.exe")),
}  # fmt: skip
"""By the ending under which the data have them."""

_SMALLEST = {
    "cpp": "int main() { return 0; }", "java": "class Problem { public static void main(String[] a) {} }", "rs": "fn main() {}",
    "go": "package main\nimport \"testing\"\nfunc TestX(t *testing.T) {}", "php": "<?php ?>", "cs": "class A { static void Main() {} }",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a program ended, and the end of its output.

    Attributes:
        succeeded: whether it ended well; None where we did not let it come to an end, so that nothing is known of it.
        message: the end of its output, or what became of it.
    """

    succeeded: bool | None
    message: str = ""


def run_all(programs: Sequence[tuple[str, str]], workers: int = 1) -> list[RunResult]:
    """Compiles and runs programs (language, text), each in a folder of its own.

    One that the wall clock ended is tried once more when the others are done. How programs end is remembered.
    """
    new = [pair for pair in dict.fromkeys(programs) if pair not in _known]
    if sum(_takes_header(*pair) for pair in new) >= _WORTH_A_HEADER:
        compiled_header()
    with ThreadPoolExecutor(max(1, workers), "execverify-foreign") as threads:
        found = dict(zip(new, threads.map(lambda pair: run(*pair), new), strict=True))
    found.update({pair: run(*pair) for pair, ran in found.items() if ran.succeeded is None})
    results = [found.get(pair) or _known[pair] for pair in programs]
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known.update({pair: ran for pair, ran in found.items() if ran.succeeded is not None})
    return results


_known: dict[tuple[str, str], RunResult] = {}
_MOST_KNOWN = 20_000
_WORTH_A_HEADER = 5
"""So many C++ programs are compiled in less time with a compiled header than without, its own compilation included."""


def run(language: str, text: str) -> RunResult:
    """Compiles and runs one program."""
    how = LANGUAGES[language]
    with tempfile.TemporaryDirectory(prefix="execverify-") as folder:
        Path(folder, how.file).write_text(text, encoding="utf-8", errors="surrogatepass")
        if how.compile:
            header = _header_made() if _takes_header(language, text) else None
            more = () if header is None else (f"-I{header}", "-include", _HEADER)
            made = _step((*how.compile, *more), folder, COMPILE_SECONDS, 0)
            if not made.succeeded:
                return RunResult(made.succeeded, f"it does not compile: {made.message}")
        seconds = RUN_SECONDS if how.compile or how.run[0] != "go" else COMPILE_SECONDS  # `go test` compiles, too
        return _step(how.run, folder, seconds, _MEMORY if how.native else 0)


# --------------------------------------------------------------------------------------------------- a compiled header

_HEADER = "bits/stdc++.h"
"""All of C++'s library, which nearly every program of CRUXEval-X includes: four fifths of its compiler's time."""

_HEADER_SIZE = 512 * 1024**2
_header: list[tuple[int, str | None]] = []  # who made it, and where


def _takes_header(language: str, text: str) -> bool:
    return language == "cpp" and re.search(rf"^\s*#\s*include\s*<{re.escape(_HEADER)}>", text, re.MULTILINE) is not None


def _header_made() -> str | None:
    return _header[-1][1] if _header else None


def compiled_header() -> str | None:
    """The folder of the compiled header, made when first asked for and removed at exit; None where the compiler makes none.

    A program that names the header gets it before its own first line, where alone the compiler can use it.
    """
    if not _header or _header[-1][0] != os.getpid():
        folder = tempfile.mkdtemp(prefix="execverify-header-")
        Path(folder, "bits").mkdir()
        Path(folder, _HEADER).write_text(f"#include_next <{_HEADER}>\n", encoding="utf-8")
        compiler, *options = LANGUAGES["cpp"].compile[:3]
        made = _step((compiler, *options, "-x", "c++-header", _HEADER), folder, COMPILE_SECONDS, 0, _HEADER_SIZE)
        _header.append((os.getpid(), folder if made.succeeded else None))
        atexit.register(_remove_header, os.getpid(), folder)
    return _header_made()


def _remove_header(owner: int, folder: str) -> None:
    if owner == os.getpid():  # not in a forked copy
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def why_not(language: str) -> str:
    """Why programs of a language cannot be run here; empty where they can."""
    how = LANGUAGES.get(language)
    if how is None:
        return f"{language}: not among the languages that can be run ({', '.join(LANGUAGES)})"
    for tool in (how.compile[:1] or how.run[:1]) + how.run[:1]:
        if not tool.startswith("./") and shutil.which(tool) is None:
            return f"{how.name}: {tool} is not installed"
    tried = run(language, _SMALLEST.get(language, ""))
    return "" if tried.succeeded else f"{how.name}: an empty program does not run ({tried.message[:100]})"


@functools.cache
def without_network() -> tuple[str, ...]:
    """The command that takes the network away; empty where the system does not give namespaces."""
    command = ("unshare", "--user", "--map-current-user", "--net", "--")
    try:
        fine = subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        fine = False
    return command if fine else ()


def _step(command: Sequence[str], folder: str, seconds: float, memory: int, file_size: int = _FILE) -> RunResult:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    for name, place in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        environment.setdefault(name, str(Path.home() / place))
    environment |= {"HOME": folder, "TMPDIR": folder, "GOCACHE": f"{folder}/cache", "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    launch = [sys.executable, "-c", _LAUNCHER, folder, str(memory), str(math.ceil(seconds)), str(file_size), *command]
    process = subprocess.Popen(
        [*without_network(), *launch], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=_WALL_CLOCK_FACTOR * seconds)
    except subprocess.TimeoutExpired:
        return RunResult(
            None, f"it was ended after {_WALL_CLOCK_FACTOR * seconds:g} s, in which it did not get {seconds:g} s of a processor"
        )
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode == -signal.SIGXCPU:
        return RunResult(False, f"it took more than {seconds:g} s of processor time")
    results = " ".join(output[-4_000:].decode("utf-8", "replace").split())
    return RunResult(process.returncode == 0, results[-300:] or f"it ended with status {process.returncode}")


def launcher_main() -> None:
    """The launcher's own process: puts the limits on, and becomes the command."""
    folder, memory, seconds, file_size, *command = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_size), int(file_size)))
    if int(memory):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        with contextlib.suppress(OSError):
            landlock.restrict_writing(folder)
    os.execvp(command[0], command)
