"""Which layers of the sandbox are on here, and what that means: what `execverify doctor` shows."""

from dataclasses import dataclass

from execverify.errors import WeakSandboxError
from execverify.sandbox import isolation
from execverify.sandbox.sandbox import sandbox_for

MEANING = {
    isolation.SECCOMP: "no processes, programs, sockets, signals to others, or inner doors of the kernel",
    isolation.LANDLOCK: "no files but the interpreter's own; no TCP (ABI 4) and no signals (ABI 6) either",
    "user namespace": "what root may do outside, it may not do inside",
    "network namespace": "there is no network, not even loopback",
    "process namespace": "no signal reaches a process outside, and all inside end together",
    "mount namespace": "mounts are its own",
    "ipc namespace": "shared memory and queues are its own",
    "uts namespace": "the host's name cannot be changed",
    "core dumps": "a crash writes nothing",
    "open files": "descriptors run out early",
    "memory and file size": "memory above what the interpreter has is counted",
    "no new privileges": "nothing that is run gains rights",
    "capabilities": "none of root's powers are left",
    "network audit hook": "Python's own sockets and processes are refused; C code is not",
}
"""What each layer sees to, in a few words."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: as reported by the confined process.
        on: whether it is on.
        why: why it is off; empty where it is on.
        means: what it sees to.
        needed: whether untrusted code is refused without it.
    """

    name: str
    on: bool
    why: str
    means: str
    needed: bool


def layers() -> list[Layer]:
    """The layers, as a confined process that was started here reports them.

    Raises:
        SandboxError: no confined process could be started.
    """
    box = sandbox_for(())
    box.require_isolation(allow_weak=True)
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
    except WeakSandboxError as error:
        return str(error)
    return None
