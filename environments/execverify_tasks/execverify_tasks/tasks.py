"""Rows and rewards for Prime Intellect's `verifiers` (v1 API): tasks, the set of them, and how a model is asked.

The package `execverify_tasks` in `environments/` hands these classes to that library's own commands::

    vf-eval execverify-tasks -n 20 --model M                          # synthesized rows
    vf-eval execverify-tasks --env.taskset.rows DATASET --env.taskset.split test

`verifiers` is needed to import this module.
"""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import verifiers.v1 as vf
from openai import AsyncOpenAI
from pydantic import Field

from execverify.datasets.config import levels_of
from execverify.datasets.rows_io import read_rows
from execverify.datasets.stream import generate_tasks
from execverify.errors import RowError
from execverify.questions.rows import ROW_KINDS, Row, from_row, to_row
from execverify.questions.select import check_kinds
from execverify.questions.task import CODE_GENERATION, TASK_KINDS
from execverify.rewards.adapters import ground_truth, messages_of
from execverify.rewards.code.grade import PAPER_UNIT_TESTS, TEST_LIMITS
from execverify.rewards.parts import all_parts
from execverify.rewards.score import PAPER_REWARD
from execverify.rewards.steps.credit import CreditReward
from execverify.rewards.verl import compute_score, compute_step_score, reward_config
from execverify_tasks.credits import UNITS, assign_advantages, load_tokens

logger = logging.getLogger(__name__)


class RowData(vf.TaskData):
    """A row as that library keeps it: the prompt, and what a completion is judged by.

    Attributes:
        kind: "white_box", "input_prediction" or "code_generation".
        truth: the row's program and questions, or its unit tests, as JSON.
        level: the paper's level of the program; None where it has none.
    """

    kind: str
    truth: str
    level: int | None = None


class ExecVerifyTaskConfig(vf.TaskConfig):
    """How parts become a reward; the paper's by default (`--env.taskset.task.*`)."""

    reward: str = "white_box"
    """Name of the reward: "white_box", "output_only", ...; of the chain of thought "verified", "progress", "step", ..."""
    chains: bool = False
    """Whether chains of thought are graded and recorded as metrics, whatever the reward."""
    alpha: float = PAPER_REWARD.alpha
    """Weight of the questions in the white-box reward; 0 is the ablation "output only"."""
    count: list[str] = []
    """Which kinds of questions count; none takes the reward's own."""
    gated: bool = PAPER_REWARD.require_correct_output
    """Whether a wrong output earns nothing."""
    scale: float = PAPER_REWARD.scale
    """The full reward of white-box rows and input prediction."""
    float_tolerance: float = 0.0
    """How far finite floats may be off."""
    binary: bool = PAPER_UNIT_TESTS.binary
    """Code: 1 where all unit tests pass, else 0, instead of the share that passes."""
    format_bonus: float = PAPER_UNIT_TESTS.format_bonus
    """Code: what a well-formed answer earns."""
    timeout: float = TEST_LIMITS.timeout
    """Code: seconds for each unit test."""
    allow_weak_isolation: bool = False
    """Code: run it even where the kernel lacks what confines hostile code."""


class ExecVerifyTask(vf.Task[RowData, vf.State, ExecVerifyTaskConfig]):
    """One row: a completion's reward and the share of each part that is right."""

    @property
    def key(self) -> str:
        """The row's content, wherever it stands in the set."""
        return hashlib.sha256(f"{self.data.kind}\0{self.data.truth}\0{self.data.prompt_text}".encode()).hexdigest()

    @vf.reward(weight=1.0)
    async def verified(self, trace: vf.Trace) -> float:
        """The reward of the last reply: 0 to `scale`, for code 0 to 1 and the bonus.

        Each part's share of right answers is recorded as a metric, and where the chain is graded whether it is true. Where we
        failed to judge, the error is raised: that library marks the rollout as failed, and it is no reward of 0.
        """
        judged = await asyncio.to_thread(self.judged, trace.last_reply)
        trace.info[UNITS] = judged.pop("units", "")
        counts = {name: float(value) for name, value in judged.items()}
        for part in all_parts():
            if counts[f"{part}_asked"]:
                trace.record_metric(part, counts[f"{part}_right"] / counts[f"{part}_asked"])
        if counts["chain_graded"]:
            trace.record_metric("chain_true", counts["chain_true"])
            trace.record_metric("guessed", counts["guessed"])
        return counts["score"]

    def judged(self, completion: str) -> dict[str, float | str]:
        """The score of a completion, the counts of its parts, and with a reward that gives credits its graded steps.

        Raises:
            SandboxError: we failed to judge.
        """
        source, settings = f"execverify/{self.data.kind}", self.settings
        if self.credit_reward is None:
            return dict(compute_score(source, completion, self.data.truth, **settings))
        return compute_step_score(source, completion, self.data.truth, **settings)

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration as `compute_score` takes it."""
        config = self.config
        names = ["reward", "chains", "alpha", "scale", "float_tolerance"]
        if self.data.kind == CODE_GENERATION:
            names += ["binary", "format_bonus", "timeout", "allow_weak_isolation"]
        found = {name: getattr(config, name) for name in names} | {"require_correct_output": config.gated}
        return found | ({"kinds": config.count} if config.count else {})

    @property
    def credit_reward(self) -> CreditReward | None:
        """The reward where it gives credits to steps.

        Raises:
            RowError: there is no such reward.
        """
        rule = reward_config(self.settings)
        return rule if isinstance(rule, CreditReward) else None

    async def validate(self, runtime: vf.Runtime) -> bool | None:
        """Whether the gold completion earns the full reward; None for tests that came without a solution."""
        truth: dict[str, Any] = json.loads(self.data.truth)
        if not (truth.get("program") or {}).get("source"):
            return None
        gold = from_row({**truth, "kind": self.data.kind}).gold
        judged = await asyncio.to_thread(compute_score, f"execverify/{self.data.kind}", gold, self.data.truth, **self.settings)
        full = 1.0 + self.config.format_bonus if self.data.kind == CODE_GENERATION else self.config.scale
        return bool(abs(judged["score"] - full) < 1e-9)


class ExecVerifyTasksetConfig(vf.TasksetConfig):
    """Which rows there are (`--env.taskset.*`)."""

    task: ExecVerifyTaskConfig = ExecVerifyTaskConfig()
    """How parts become a reward."""
    rows: str = ""
    """A file of rows, or the folder of a dataset; none synthesizes `size` rows with `seed`."""
    split: str = ""
    """Which split of them; none takes all."""
    kinds: list[str] = []
    """Which kinds of rows; none takes all."""
    size: int = 1000
    """How many rows are synthesized."""
    seed: int = 0
    """Another one gives other programs."""
    levels: str = "1-6"
    """Levels of the synthesized programs."""


class ExecVerifyTaskset(vf.Taskset[ExecVerifyTask, ExecVerifyTasksetConfig]):
    """Rows of a file or a dataset, or synthesized ones. Rows that no completion could be judged by are left out, with a warning."""

    def load(self) -> Iterator[ExecVerifyTask]:
        """The rows as tasks, in order.

        Raises:
            RowError: rows that cannot be read, or none of them can be used.
        """
        check_kinds(self.config.kinds, ROW_KINDS)
        found = 0
        left_out: Counter[str] = Counter()
        for row in self._rows():
            if self.config.split and row.get("split") != self.config.split:
                left_out[f"of split {row.get('split')}"] += 1
            elif self.config.kinds and row["kind"] not in self.config.kinds:
                left_out[f"of kind {row['kind']}"] += 1
            else:
                try:
                    data = row_data(row)
                except RowError as error:
                    left_out["malformed"] += 1
                    logger.warning("row %s is left out: %s", row.get("id", "?"), error)
                    continue
                found += 1
                yield ExecVerifyTask(data, self.config.task)
        if left_out:
            logger.info("left out: %s", dict(left_out))
        if not found:
            raise RowError(
                f"{self.config.rows or 'the synthesizer'} gives no rows that can be used: {dict(left_out) or 'it is empty'}"
            )

    def _rows(self) -> Iterable[Row]:
        config = self.config
        if config.rows:
            return read_rows(config.rows)
        kinds = config.kinds or list(TASK_KINDS)
        return map(to_row, generate_tasks(config.size, config.seed, levels=levels_of(config.levels), kinds=kinds))


def row_data(row: Row) -> RowData:
    """A row as that library keeps it.

    Raises:
        RowError: no completion could be judged by it, or it asks nothing.
    """
    messages = messages_of(row)
    system = [message["content"] for message in messages if message["role"] == "system"]
    asked = [message for message in messages if message["role"] != "system"]
    return RowData(
        id=str(row.get("id", "")) or None,
        prompt=asked[0]["content"] if len(asked) == 1 else asked,
        system_prompt="\n\n".join(system) or None,
        kind=row["kind"],
        truth=ground_truth(row),
        level=row.get("level"),
    )


class AskOnceConfig(vf.HarnessConfig):
    """Nothing of its own."""


class SingleTurnHarness(vf.Harness[AskOnceConfig]):
    """Asks the model once, in this process, without any tool: it is to execute the code in its head."""

    APPENDS_SYSTEM_PROMPT = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        """One chat completion through that library's endpoint, which records it; a failure is raised."""
        system, prompt = self.resolve_prompt(data)
        asked = (
            [{"role": "user", "content": prompt}]
            if isinstance(prompt, str)
            else [_to_openai_message(message) for message in prompt or []]
        )
        messages: Any = [{"role": "system", "content": system}, *asked] if system else asked
        async with AsyncOpenAI(base_url=endpoint, api_key=secret, timeout=None) as client:
            await client.chat.completions.create(model=ctx.model, messages=messages)
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


def _to_openai_message(message: Any) -> dict[str, Any]:
    plain: dict[str, Any] = message if isinstance(message, dict) else message.model_dump(exclude_none=True)
    return plain


class AskOnceEnvConfig(vf.SingleAgentEnvConfig):
    """The one agent needs no container: it runs nothing (`--env.*`)."""

    agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    n: int = Field(1, ge=1)
    """Rollouts of an episode: the group within which steps are compared."""
    tokenizer: str = ""
    """Hub name or folder of the model's tokenizer; none takes the model's own."""


class SingleTurnEnv(vf.SingleAgentEnv, vf.Env[AskOnceEnvConfig]):
    """One question, `n` answers to it, on this machine.

    With a reward that gives credits ("step", "bilevel", "first_divergence"), the sampled tokens of the answers get advantages, where
    the client returns tokens.
    """

    async def run(self, task: vf.Task, agents: vf.Agents) -> None:
        """The rollouts of an episode; how many run at once is `--env.max-concurrent-agents`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self.config.n):
                group.create_task(agents.agent.run(task))

    async def finalize(self, task: vf.Task, episode: vf.Episode) -> None:
        """Assigns advantages to tokens."""
        rule = task.credit_reward if isinstance(task, ExecVerifyTask) else None
        sampled = [trace for trace in episode.traces if any(any(node.mask) for node in trace.nodes)]
        if rule is None or not sampled:
            return
        client = sampled[0].agent.config.client
        model = self.config.tokenizer or getattr(client, "renderer_model_name", None) or sampled[0].agent.config.model
        tokens = await asyncio.to_thread(load_tokens, model)
        assign_advantages(sampled, rule, tokens)
