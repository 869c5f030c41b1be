"""Reports which layers of isolation are on here, and what each does; `execverify doctor` prints it."""

from dataclasses import dataclass

from execverify.errors import InsufficientIsolationError
from execverify.sandbox import isolation
from execverify.sandbox.sandbox import sandbox_for

MEANING = {
    isolation.SECCOMP: "no processes, programs, sockets, signals to others, or privileged interfaces of the kernel",
    isolation.LANDLOCK: "no files but the interpreter's own; no TCP (ABI 4) and no signals (ABI 6) either",
    "user namespace": "root has no rights outside",
    "network namespace": "there is no network, not even loopback",
    "process namespace": "no signal reaches a process outside, and all inside end together",
    "mount namespace": "mounts are separate",
    "ipc namespace": "shared memory and queues are separate",
    "uts namespace": "the host's name cannot be changed",
    "core dumps": "a crash writes nothing",
    "open files": "few descriptors",
    "memory and file size": "limits above what the interpreter uses",
    "no new privileges": "no program gains rights",
    "capabilities": "none are left",
    "network audit hook": "Python's own sockets and processes are refused; C code is not",
}
"""What each layer does, in a few words."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: as reported by the confined process.
        on: whether it is on.
        why: the reason why it is off; empty where it is on.
        means: what it does.
        needed: whether untrusted code is refused without it.
    """

    name: str
    on: bool
    why: str
    means: str
    needed: bool


def layers() -> list[Layer]:
    """The layers, as reported by a confined process that is started for this.

    Raises:
        SandboxError: no confined process could be started.
    """
    box = sandbox_for(())
    box.require_isolation(allow_weak_isolation=True)
    found = {**dict.fromkeys(isolation.REQUIRED_LAYERS, "off: this system has none"), **box.layers}
    return [
        Layer(
            name,
            state == "on",
            "" if state == "on" else state.removeprefix("off: "),
            MEANING.get(name, ""),
            name in isolation.REQUIRED_LAYERS,
        )
        for name, state in found.items()
    ]


def missing_layer_message(found: list[Layer]) -> str | None:
    """Why untrusted code is refused here, in one line; None where it is not."""
    try:
        isolation.require_layers({layer.name: "on" if layer.on else f"off: {layer.why}" for layer in found})
    except InsufficientIsolationError as error:
        return str(error)
    return None
