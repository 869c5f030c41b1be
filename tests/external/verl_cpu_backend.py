"""verl without a GPU, for tests, by its own means of extension: rollouts from a list, and the platform of `verl_cpu_platform`.

verl imports both modules in every process, the platform first (`VERL_USE_EXTERNAL_MODULES`). All else is verl's own: configuration,
data, agent loops, reward workers, advantages, FSDP, the update, validation and checkpoints. The rollout's server gives the
completions of the file that EXECVERIFY_ROLLOUTS names, {prompt's ids as text: [completions' ids]}, in turn.
"""

import asyncio
import functools
import itertools
import json
import os
from pathlib import Path
from typing import Any

import ray
import torch
from verl.workers.rollout import base, replica


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
