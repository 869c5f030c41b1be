"""Compiling and running programs in other languages, confined as far as a compiler lets itself be.

Each step (compiler, program) is a process group of its own in a folder of its own: limits on CPU time, file size, core dumps and,
for native programs, address space; a wall clock from outside; no environment but what tools need; no network where the system gives
namespaces; and no writing outside the folder where the kernel has Landlock. That is less than the sandbox for Python: files can be
read. So it is for programs of a benchmark into which a model has put one expression, and not for whole programs of a model's.
"""

import contextlib
import ctypes
import functools
import os
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

from execverify.execution import landlock

COMPILE_SECONDS, RUN_SECONDS = 60.0, 10.0
_MEMORY = 4 * 1024**3
_FILE = 64 * 1024**2
_NO_NEW_PRIVILEGES = 38
_LAUNCHER = "from execverify.evaluation.foreign import launched; launched()"
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
_CLASSES = os.pathsep.join([".", *filter(None, [os.environ.get("CLASSPATH")])])  # javac looks there by itself


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
                     ("java", "-XX:-UsePerfData", "-Xmx1g", "-ea", "-cp", _CLASSES, "Problem")),
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
class Ran:
    """How a program ended: whether well, and what it last said."""

    well: bool
    said: str = ""


def run_all(programs: Sequence[tuple[str, str]], workers: int = 1) -> list[Ran]:
    """Compiles and runs programs (language, text), each in a folder of its own."""
    with ThreadPoolExecutor(max(1, workers), "execverify-foreign") as threads:
        return list(threads.map(lambda pair: run(*pair), programs))


def run(language: str, text: str) -> Ran:
    """Compiles and runs one program."""
    how = LANGUAGES[language]
    with tempfile.TemporaryDirectory(prefix="execverify-") as folder:
        Path(folder, how.file).write_text(text, encoding="utf-8", errors="surrogatepass")
        if how.compile:
            made = _step(how.compile, folder, COMPILE_SECONDS, 0)
            if not made.well:
                return Ran(False, f"it does not compile: {made.said}")
        return _step(how.run, folder, RUN_SECONDS, _MEMORY if how.native else 0)


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
    return "" if tried.well else f"{how.name}: an empty program does not run ({tried.said[:100]})"


@functools.cache
def without_network() -> tuple[str, ...]:
    """The command that takes the network away; empty where the system does not give namespaces."""
    command = ("unshare", "--user", "--map-current-user", "--net", "--")
    try:
        fine = subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        fine = False
    return command if fine else ()


def _step(command: Sequence[str], folder: str, seconds: float, memory: int) -> Ran:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    for name, place in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        environment.setdefault(name, str(Path.home() / place))
    environment |= {"HOME": folder, "TMPDIR": folder, "GOCACHE": f"{folder}/cache", "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    launch = [sys.executable, "-c", _LAUNCHER, folder, str(memory), str(int(seconds) + 1), *command]
    process = subprocess.Popen(
        [*without_network(), *launch], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Ran(False, f"it ran longer than {seconds:g} s")
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    told = " ".join(said[-4_000:].decode("utf-8", "replace").split())
    return Ran(process.returncode == 0, told[-300:] or f"it ended with status {process.returncode}")


def launched() -> None:
    """The launcher's own process: puts the limits on, and becomes the command."""
    folder, memory, seconds, *command = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (4 * int(seconds), 4 * int(seconds)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    if int(memory):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        with contextlib.suppress(OSError):
            landlock.restrict_writing(folder)
    os.execvp(command[0], command)
