"""verl without a GPU, for tests, by its own means of extension: a platform that is the processor, and rollouts from a list.

verl imports this module in every process (`VERL_USE_EXTERNAL_MODULES=verl_on_cpu`). All else is verl's own: configuration, data,
agent loops, reward workers, advantages, FSDP, the update, validation and checkpoints. The rollout's server gives the
completions of the file that EXECVERIFY_ROLLOUTS names, {prompt's ids as text: [completions' ids]}, in turn.
"""

import asyncio
import contextlib
import functools
import itertools
import json
import os
import types
from pathlib import Path
from typing import Any

import ray
import torch
from verl.plugin.platform.platform_base import PlatformBase
from verl.plugin.platform.platform_manager import PlatformRegistry
from verl.workers.rollout import base, replica


class _Device(types.ModuleType):
    """What verl asks of `torch.cuda`, answered for the processor."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("mem_get_info", "get_device_name"):
            return lambda *_: (1 << 30, 1 << 30) if name == "mem_get_info" else "CPU"
        if hasattr(torch.cpu, name):
            return getattr(torch.cpu, name)
        return lambda *_, **__: 0


@PlatformRegistry.register(platform="processor")
class Processor(PlatformBase):
    """The processor as a device of verl's."""

    device_name = "cpu"
    vendor_name = "processor"
    device_module = _Device("torch.cpu")

    def is_available(self) -> bool:
        return True

    def is_platform_available(self, use_smi_check: bool = False) -> bool:
        return True

    def current_device(self) -> Any:
        return "cpu"  # where verl moves tensors to; a number would be an accelerator's

    def device_count(self) -> int:
        return 1

    def set_device(self, device_index: int) -> None:
        pass

    def synchronize(self, device_index: int | None = None) -> None:
        pass

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    manual_seed_all = manual_seed

    def set_allocator_settings(self, settings: str) -> None:
        pass

    def empty_cache(self) -> None:
        pass

    def get_device_capability(self, device_index: int = 0) -> tuple[int | None, int | None]:
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        return "CUDA_VISIBLE_DEVICES"

    def nvtx_range(self, msg: str) -> Any:
        return contextlib.nullcontext()

    def profiler_start(self) -> None:
        pass

    def profiler_stop(self) -> None:
        pass

    def ray_resource_name(self) -> str:
        return "NPU"  # of the two names of which verl counts how many there are, the one that Ray lets anybody offer

    def ray_noset_envvars(self) -> list[str]:
        return []

    def is_ipc_supported(self) -> bool:
        return False

    def cudart(self) -> Any:
        return None


class Server:
    """Gives completions from a list."""

    def __init__(self) -> None:
        known = json.loads(Path(os.environ["EXECVERIFY_ROLLOUTS"]).read_text())
        self._turns = {prompt: itertools.cycle(completions) for prompt, completions in known.items()}
        self._step: int | None = None

    async def generate(self, request_id: str, prompt_ids: list[int], sampling_params: dict[str, Any], **_: Any) -> Any:
        ids = next(self._turns[" ".join(map(str, prompt_ids))])
        await asyncio.sleep(0)
        steps = {"global_steps": self._step or 0}
        return replica.TokenOutput(token_ids=ids, log_probs=[-1.0] * len(ids), stop_reason="completed", extra_fields=steps)

    async def nothing(self, *_: Any, **__: Any) -> None:
        pass

    wake_up = sleep = abort_all_requests = resume_generation = clear_kv_cache = release_kv_cache = resume_kv_cache = nothing


class Replica(replica.RolloutReplica):
    """One such server."""

    async def launch_servers(self) -> None:
        server = ray.remote(Server).options(max_concurrency=64).remote()
        self.servers.append(server)
        self._server_handle, self._server_address = server, f"listed:{self.replica_rank}"


class Adapter(base.BaseRollout):
    """Takes the new weights of each step, and needs none."""

    async def resume(self, tags: list[str]) -> None:
        pass

    async def release(self) -> None:
        pass

    async def update_weights(self, weights: Any, wire_format: str = "named_tensors", **_: Any) -> None:
        for _name, tensor in weights:
            assert torch.isfinite(tensor).all()


def _one_backend(init: Any) -> Any:
    """verl names a backend for the processor and one for the device, which here are the same."""

    @functools.wraps(init)
    def begun(backend: str | None = None, *arguments: Any, **settings: Any) -> Any:
        return init("gloo" if backend == "cpu:gloo,cpu:gloo" else backend, *arguments, **settings)

    return begun


torch.distributed.init_process_group = _one_backend(torch.distributed.init_process_group)
replica.RolloutReplicaRegistry.register("listed", lambda: Replica)
base._ROLLOUT_REGISTRY["listed", "async"] = "tests.external.verl_cpu_backend.Adapter"
