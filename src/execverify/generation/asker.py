"""Ask a model from many threads: at most so many requests at once, within a budget, and never twice for one request.

    with Asker(load(url), RequestStore("OUT/requests"), Budget(max_tokens=1_000_000)) as asker:
        replies = asker.ask(requests, Sampling(temperature=0.8))      # in order; from the store where it has them

One thread hands requests to the model, as soon as the model takes them; another one writes the answers that have come into the store,
many in one transaction. A request is sent only where its prompt and the most tokens of its completion fit into the budget together
with the requests that are under way. Where it does not fit, it waits for them; where none is under way, the run stops.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import TracebackType

from execverify.cot.generate import estimate_tokens
from execverify.errors import ModelError, RunStopped
from execverify.generation.budget import Budget, Meter, prompt_tokens
from execverify.generation.store import Answer, RequestStore, request_key
from execverify.models.model import SKIPPED_REQUEST, Generation, Model, Request, Sampling, StreamingModel
from execverify.utils.messages import one_line

MIN_REQUESTS_FOR_ERROR_SHARE = 20
"""Requests before which a share of errors says nothing."""

RESUME = "what was answered is kept: give the same command again to resume"
_CLOSE_SECONDS = 1.0
_GATHER_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: an answer, or the reason why there is none."""

    answer: Answer | None
    error: str = ""


@dataclass
class Usage:
    """What an asker did; read it at any time.

    Attributes:
        asked: requests that were asked for.
        from_store: how many of these the store had.
        sent: how many were sent to the model.
        errors: how many of these failed after all tries.
    """

    asked: int = 0
    from_store: int = 0
    sent: int = 0
    errors: int = 0


@dataclass(slots=True)
class _Pending:
    """A request that is not answered yet."""

    request: Request
    sampling: Sampling
    prompt_tokens: int
    result: "Future[Reply]"


class Asker:
    """A model with a store and a budget. A context manager; thread-safe.

    Args:
        model: answers what the store does not have.
        store: keeps what it answers. It is closed with the asker, and so is the model.
        budget: what may be used.
        concurrency: requests under way at once.

    Attributes:
        meter: what the answers in the store used, those of earlier runs included.
        usage: what this asker did.
    """

    def __init__(self, model: Model, store: RequestStore, budget: Budget | None = None, concurrency: int = 16) -> None:
        self.model, self.store = model, store
        self.meter = Meter(budget, store.totals())
        self.concurrency = max(1, concurrency)
        self.usage = Usage()
        self._pending: dict[str, _Pending] = {}
        self._under_way: dict[str, _Pending] = {}
        self._waiting: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[Generation | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._stopped: Exception | None = None

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._stop(RunStopped(f"the run was stopped; {RESUME}"), with_under_way=True)
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        if not any(thread.is_alive() for thread in self._threads):
            self.model.close()
            self.store.close()

    def ask(self, requests: Sequence[Request], sampling: Sampling) -> list[Reply]:
        """One reply for each request, in order; waits until all are there.

        Args:
            requests: their ids are not used. Requests of one content get one answer.
            sampling: how completions are drawn; `n` is 1: give samples of one prompt numbers of their own (`Request.sample`).

        Raises:
            RunStopped: the budget is spent, too many requests failed, or the server is down.
        """
        sampling = replace(sampling, n=1)
        keys = [request_key(self.model, request, sampling) for request in requests]
        known = self.store.get_many(keys)
        waiting: list[Reply | Future[Reply]] = []
        for key, request in zip(keys, requests, strict=True):
            waiting.append(Reply(known[key]) if key in known else self._submit(key, request, sampling))
        with self._changed:
            self.usage.asked += len(keys)
            self.usage.from_store += sum(key in known for key in keys)
        return [one if isinstance(one, Reply) else one.result() for one in waiting]

    def _submit(self, key: str, request: Request, sampling: Sampling) -> "Future[Reply]":
        with self._changed:
            if self._stopped is not None:
                raise self._stopped
            pending = self._pending.get(key)
            if pending is None:
                sent = Request(key, request.messages, request.sample)
                pending = _Pending(sent, sampling, prompt_tokens(request), Future())
                self._pending[key] = pending
                self._waiting.put(pending)
                if not self._threads:
                    for work in (self._send, self._keep):
                        self._threads.append(threading.Thread(target=work, daemon=True, name="execverify asker"))
                        self._threads[-1].start()
            return pending.result

    # ------------------------------------------------------------------------------------ in the thread that sends

    def _send(self) -> None:
        """Hands requests to the model, and what it generates to the thread that keeps it."""
        try:
            for generation in self._generations():
                self._answered.put(generation)
        except Exception as error:
            reason = error if isinstance(error, ModelError) else ModelError(f"the model failed: {one_line(error, 300)}")
            self._stop(reason, with_under_way=True)
        finally:
            self._answered.put(None)

    def _generations(self) -> Iterator[Generation]:
        if isinstance(self.model, StreamingModel):
            # Twice as many as may be under way are handed over, so that none of its connections waits for this thread.
            yield from self.model.generate_stream(
                [(one.request, one.sampling) for one in batch] for batch in self._batches(2 * self.concurrency)
            )
            return
        for batch in self._batches(self.concurrency):
            for sampling in dict.fromkeys(one.sampling for one in batch):
                yield from self.model.generate([one.request for one in batch if one.sampling == sampling], sampling)

    def _batches(self, most: int) -> Iterator[list[_Pending]]:
        """Lists of requests that may be sent, each of all that may be sent by then; waits for the first one."""
        first = self._waiting.get()
        while first is not None and self._admit(first, most):
            time.sleep(_GATHER_SECONDS)  # so that the other requests of one call are there
            batch, following = [first], self._next()
            while following is not None and len(batch) < most and self._admit(following, most, wait=False):
                batch.append(following)
                following = self._next()
            yield batch
            first = following or self._waiting.get()

    def _next(self) -> _Pending | None:
        with contextlib.suppress(queue.Empty):
            return self._waiting.get_nowait()
        return None

    def _admit(self, pending: _Pending, most: int, *, wait: bool = True) -> bool:
        """Waits until a request may be sent. False where the run has stopped, or where it would have to wait and must not."""
        with self._changed:
            while self._stopped is None:
                fits = self._fits(pending)
                if fits and len(self._under_way) < most:
                    self._under_way[pending.request.id] = pending
                    self.usage.sent += 1
                    return True
                if not fits and not self._under_way:
                    self._stop(self.meter.stopped())
                    return False
                if not wait:
                    return False
                self._changed.wait()
            return False

    def _fits(self, pending: _Pending) -> bool:
        waiting = [pending, *self._under_way.values()]
        return self.meter.fits(sum(one.prompt_tokens for one in waiting), sum(one.sampling.max_tokens for one in waiting))

    # ----------------------------------------------------------------------------------- in the thread that keeps

    def _keep(self) -> None:
        """Writes answers into the store, and wakes who waits for them."""
        ended = False
        while not ended:
            batch = [self._answered.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    batch.append(self._answered.get_nowait())
            ended = None in batch
            try:
                self._settle([one for one in batch if one is not None])
            except Exception as error:
                self._stop(error if isinstance(error, ModelError) else ModelError(one_line(error, 300)), with_under_way=True)

    def _settle(self, generations: Sequence[Generation]) -> None:
        entries, replies = [], []
        for generation in generations:
            pending = self._under_way[generation.id]
            reply = _reply(pending, generation)
            replies.append((pending, reply))
            if reply.answer is not None:
                entries.append((pending.request.id, self.model.name, pending.request, pending.sampling, reply.answer))
        if entries:
            self.store.put_many(entries)
        with self._changed:
            for pending, reply in replies:
                del self._under_way[pending.request.id]
                self._pending.pop(pending.request.id, None)
                self._count(pending, reply)
                if not pending.result.done():
                    pending.result.set_result(reply)
            self._changed.notify_all()

    def _count(self, pending: _Pending, reply: Reply) -> None:
        """Adds an answer or an error to the counts; stops the run where there are too many errors."""
        if reply.answer is not None:
            self.meter.count(reply.answer, pending.prompt_tokens)
            return
        self.usage.errors += 1
        sent, errors, share = self.usage.sent - len(self._under_way), self.usage.errors, self.meter.budget.max_error_share
        if reply.error.startswith(SKIPPED_REQUEST):
            self._stop(RunStopped(f"the server stopped answering ({errors} of {sent} requests failed); {RESUME}"))
        elif sent >= MIN_REQUESTS_FOR_ERROR_SHARE and errors > share * sent:
            self._stop(
                RunStopped(
                    f"stopped: {errors} of {sent} requests failed, more than --max-error-share {share:g} allows; "
                    f"the last: {one_line(reply.error, 200)}; {RESUME}"
                )
            )

    def _stop(self, error: Exception, *, with_under_way: bool = False) -> None:
        """Sends nothing more, and fails who waits. Answers of what is under way are still kept when they arrive.

        Args:
            error: what to raise.
            with_under_way: also fail who waits for a request that is under way.
        """
        with self._changed:
            if self._stopped is None:
                self._stopped = error
            failed = [key for key in self._pending if with_under_way or key not in self._under_way]
            for key in failed:
                pending = self._pending.pop(key)
                if not pending.result.done():
                    pending.result.set_exception(self._stopped)
            self._changed.notify_all()
        self._waiting.put(None)


def _reply(pending: _Pending, generation: Generation) -> Reply:
    """What came of a request."""
    if not generation.completions:
        return Reply(None, generation.error or "the model returned nothing")
    text = generation.completions[0]
    prompt, completion = generation.usage or (pending.prompt_tokens, estimate_tokens(text))
    return Reply(Answer(text, (*generation.finish_reasons, "")[0], prompt, completion, generation.usage is None))
