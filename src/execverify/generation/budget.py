"""What a run may use of a model's server, and how much of it is used.

    meter = Meter(Budget(max_tokens=1_000_000), store.totals())
    if not meter.fits(prompt_tokens, completion_tokens):              # of the requests that would be under way
        raise meter.stopped()
    meter.count(answer, estimated_prompt_tokens)

Tokens are those that the server counts, or estimates where it gives no counts.
"""

import math
from dataclasses import dataclass

from execverify.cot.generate import estimate_tokens
from execverify.errors import ModelError, RunStopped
from execverify.generation.store import Answer, Totals
from execverify.models.model import Request
from execverify.utils.messages import noun_for


@dataclass(frozen=True)
class Budget:
    """What a run may use. Answers of earlier runs in the same store count.

    Attributes:
        max_tokens: tokens of prompts and completions together; None for any number.
        max_cost: in the currency of the prices; None for any cost.
        price_in, price_out: of a million tokens of prompts and of completions.
        max_error_share: share of failed requests above which the run stops, 0 to 1.

    Raises:
        ModelError: a number out of range, or a greatest cost without prices.
    """

    max_tokens: int | None = None
    max_cost: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    max_error_share: float = 0.2

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ModelError(f"--max-tokens-total is {self.max_tokens}: give 1 or more")
        if not (self.price_in >= 0 and self.price_out >= 0 and (self.max_cost is None or self.max_cost > 0)):
            raise ModelError("--max-cost must be above 0, and prices at least 0")
        if self.max_cost is not None and not (self.price_in or self.price_out):
            raise ModelError("--max-cost needs prices: give --price-in and --price-out, each for a million tokens")
        if not 0 <= self.max_error_share <= 1:
            raise ModelError(f"--max-error-share is {self.max_error_share:g}: give a share from 0 to 1")

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What tokens cost."""
        return (prompt_tokens * self.price_in + completion_tokens * self.price_out) / 1e6

    @property
    def is_limited(self) -> bool:
        """Whether tokens or cost have a limit."""
        return self.max_tokens is not None or self.max_cost is not None

    def exceeded_by(self, prompt_tokens: int, completion_tokens: int) -> bool:
        """Whether so many tokens are more than the budget."""
        if self.max_tokens is not None and prompt_tokens + completion_tokens > self.max_tokens:
            return True
        return self.max_cost is not None and self.cost(prompt_tokens, completion_tokens) > self.max_cost


class Meter:
    """Compares what is used with a budget.

    Args:
        budget: what may be used.
        total: what earlier runs have used.
    """

    def __init__(self, budget: Budget | None, total: Totals) -> None:
        self.budget = Budget() if budget is None else budget
        self.total = total
        self._prompt_ratio = 1.0  # most tokens of a prompt that the server counted, for each that was estimated

    def fits(self, prompt_tokens: int, completion_tokens: int) -> bool:
        """Whether so many more tokens, those of the prompts as `prompt_tokens` estimates them, are within the budget."""
        return not self.budget.exceeded_by(
            self.total.prompt_tokens + math.ceil(self._prompt_ratio * prompt_tokens),
            self.total.completion_tokens + completion_tokens,
        )

    def count(self, answer: Answer, prompt_tokens: int) -> None:
        """Adds an answer.

        Args:
            answer: with the tokens that it used.
            prompt_tokens: the estimate of its prompt.
        """
        self.total = self.total.plus(answer)
        self._prompt_ratio = max(self._prompt_ratio, answer.prompt_tokens / max(1, prompt_tokens))

    def cost(self) -> float:
        """What all answers cost, those of earlier runs included."""
        return self.budget.cost(self.total.prompt_tokens, self.total.completion_tokens)

    def text(self) -> str:
        """Tokens, and cost where prices are known, beside their limits."""
        used, budget = f"{self.total.tokens:,} {noun_for(self.total.tokens, 'token')}", self.budget
        if budget.max_tokens is not None:
            used += f" of {budget.max_tokens:,}"
        if budget.price_in or budget.price_out:
            used += f", cost {self.cost():.4g}" + (f" of {budget.max_cost:g}" if budget.max_cost is not None else "")
        return used

    def stopped(self) -> RunStopped:
        """The error of a run whose next request does not fit."""
        budget = self.budget
        spent = f"{self.total.tokens:,} {noun_for(self.total.tokens, 'token')}"
        if budget.price_in or budget.price_out:
            spent += f" for {self.cost():.4g}"
        limits = [f"--max-tokens-total {budget.max_tokens:,}"] if budget.max_tokens is not None else []
        limits += [f"--max-cost {budget.max_cost:g}"] if budget.max_cost is not None else []
        return RunStopped(
            f"stopped at the budget ({' and '.join(limits)}): {spent} are used, and the next request may not fit; "
            "what was answered is kept: give the same command with a larger budget to resume"
        )


def prompt_tokens(request: Request) -> int:
    """About how many tokens the messages of a request have."""
    return sum(estimate_tokens(message["content"]) + 4 for message in request.messages)
