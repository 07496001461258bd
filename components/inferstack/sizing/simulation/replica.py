"""One replica that batches continuously, moved from event to event: between two of them all steps are alike and are taken at once."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .arrivals import Requests
from .steps import StepCosts

NEVER = math.inf


@dataclass(slots=True)
class Log:
    """When each request got its first and its last token, in seconds, by its number."""

    first_s: list[float]
    last_s: list[float]
    preemptions: int = 0


@dataclass(slots=True)
class Prompt:
    """A prompt in prefill; after a preemption the tokens made so far are part of it."""

    number: int
    tokens: int
    done: int = 0
    made: int = 0
    """Output tokens that the client has already."""


@dataclass(slots=True)
class Plan:
    """What happens next: `steps` alike decode steps, or one step with prefill in it, until `end_s`."""

    end_s: float
    steps: int = 0
    finished: Sequence[Prompt] = ()
    """Prompts whose prefill is complete at the end of the step."""


class SimulatedReplica:
    """Scheduling as vLLM does it: running sequences first, then prompts first come, first served, in chunks within the token budget.

    Where prompts are computed whole, one that does not fit beside the others waits for the next step.
    A sequence that finds no KV block takes those of the one that was admitted last, which starts over from its prompt and what it made.
    """

    def __init__(self, costs: StepCosts, requests: Requests, log: Log) -> None:
        self._costs, self._requests, self._log = costs, requests, log
        self._now = 0.0
        self._plan: Plan | None = None
        self._step = 0
        """Decode steps so far: every sequence in the batch makes one token in each."""
        self._waiting: deque[Prompt] = deque()
        self._prefill: deque[Prompt] = deque()
        self._ends: list[tuple[int, int]] = []
        """Heap of (step at which it has its last token, number) of the batch."""
        self._batch: dict[int, tuple[int, int]] = {}
        """Number -> (context, step) when it joined, in order of admission."""
        self._context = 0
        """Tokens of context of the whole batch."""
        self._free: float = NEVER if costs.blocks is None else costs.blocks
        self._phase = [0] * costs.block_tokens
        """Sequences of the batch that take their next block at a step of this remainder."""
        self.outstanding = 0

    def enqueue(self, number: int, at_s: float) -> None:
        """A request arrives; it is seen at the end of the step that runs then."""
        self.advance(at_s)
        if not self.outstanding:
            self._now = max(self._now, at_s)
        plan = self._plan
        if plan is not None and plan.steps:
            self._decode(min(plan.steps, self._steps_until(at_s)))
            self._plan = None
        self._waiting.append(Prompt(number, self._requests.isl[number]))
        self.outstanding += 1

    def advance(self, until_s: float) -> None:
        """Carry out everything that ends by `until_s`; what begins then waits for whoever else arrives at that moment."""
        while self.outstanding:
            if self._plan is None:
                if self._now >= until_s:
                    return
                self._plan = self._next()
            if self._plan.end_s > until_s:
                return
            plan, self._plan = self._plan, None
            if plan.steps:
                self._decode(plan.steps)
            else:
                self._mixed(plan)

    def _next(self) -> Plan:
        """Admit what can be admitted and plan the next step or steps; a step that preempts admits nothing."""
        if not self._make_room():
            self._admit()
        if self._prefill:
            return self._plan_prefill()
        steps = self._steps_with_room(self._ends[0][0] - self._step)
        return Plan(self._now + self._time_of(steps), steps)

    def _admit(self) -> None:
        slots, waiting = self._costs.slots, self._waiting
        while waiting and len(self._batch) + len(self._prefill) < slots:
            needed = self._blocks_of(waiting[0].tokens)
            if needed > self._free - self._blocks_for(1):
                return
            self._free -= needed
            self._prefill.append(waiting.popleft())

    def _blocks_of(self, tokens: int) -> int:
        return -(-tokens // self._costs.block_tokens)

    def _plan_prefill(self) -> Plan:
        """One step: every sequence of the batch makes a token, and prompts fill the rest of the token budget."""
        costs, prefill = self._costs, self._prefill
        left = max(1, costs.budget - len(self._batch))
        work, complete = 0.0, list[Prompt]()
        while left > 0 and prefill:
            prompt = prefill[0]
            if costs.whole and complete and prompt.tokens > left:
                break
            begin = prompt.done
            end = prompt.tokens if costs.whole else min(prompt.tokens, begin + left)
            work += costs.prompt_token_s * (end - begin) + costs.prompt_token2_s * (end * end - begin * begin)
            if not begin:
                work += costs.request_s
            prompt.done = end
            left -= end - begin
            if end == prompt.tokens:
                complete.append(prefill.popleft())
        size = min(len(self._batch) + len(complete), costs.slots)
        return Plan(self._now + costs.batch_s[size] + costs.kv_token_s * self._context + work, finished=complete)

    def _mixed(self, plan: Plan) -> None:
        self._now = plan.end_s
        self._grow(1)
        for prompt in plan.finished:
            self._join(prompt)
        self._retire()

    def _decode(self, steps: int) -> None:
        self._now += self._time_of(steps)
        self._grow(steps)
        self._retire()

    def _grow(self, steps: int) -> None:
        """Every sequence of the batch has `steps` tokens more, and the blocks for them."""
        if self._batch:
            self._free -= self._blocks_for(steps)
            self._context += steps * len(self._batch)
        self._step += steps

    def _join(self, prompt: Prompt) -> None:
        """Prefill is over: the first token is there, or the next one after a preemption."""
        number = prompt.number
        if not prompt.made:
            self._log.first_s[number] = self._now
        last = self._step + self._requests.osl[number] - prompt.made - 1
        self._batch[number] = (prompt.tokens, self._step)
        self._phase[(self._step - prompt.tokens) % self._costs.block_tokens] += 1
        self._context += prompt.tokens
        heapq.heappush(self._ends, (last, number))

    def _retire(self) -> None:
        """Sequences that have their last token leave."""
        ends = self._ends
        while ends and ends[0][0] <= self._step:
            _, number = heapq.heappop(ends)
            self._leave(number)
            self._log.last_s[number] = self._now
            self.outstanding -= 1

    def _leave(self, number: int) -> int:
        """Take a sequence out of the batch and free its blocks; the tokens of its context."""
        joined, step = self._batch.pop(number)
        held = joined + self._step - step
        self._phase[(step - joined) % self._costs.block_tokens] -= 1
        self._context -= held
        self._free += self._blocks_of(held)
        return held

    def _make_room(self) -> bool:
        """Preempt the sequences that came last until the next step has its blocks; True where there were any."""
        preempted = False
        while self._blocks_for(1) > self._free and len(self._batch) + len(self._prefill) > 1:
            self._waiting.appendleft(self._preempt())
            preempted = True
            self._log.preemptions += 1
        return preempted

    def _preempt(self) -> Prompt:
        if self._prefill:
            prompt = self._prefill.pop()
            self._free += self._blocks_of(prompt.tokens)
            prompt.done = 0
            return prompt
        number = next(reversed(self._batch))
        held = self._leave(number)
        # What it left in the heap must not bound the next steps.
        self._ends = [end for end in self._ends if end[1] != number]
        heapq.heapify(self._ends)
        return Prompt(number, held + 1, made=held - self._requests.isl[number] + 1)

    def _blocks_for(self, steps: int) -> int:
        """Blocks that the batch takes in the next `steps` steps."""
        size = self._costs.block_tokens
        if steps == 1:
            return self._phase[self._step % size]
        cycles, rest = divmod(steps, size)
        taken = cycles * len(self._batch)
        if rest:
            begin = self._step % size
            phase = self._phase
            taken += sum(phase[begin : begin + rest])
            if begin + rest > size:
                taken += sum(phase[: begin + rest - size])
        return taken

    def _steps_with_room(self, steps: int) -> int:
        """As many of `steps` as there are blocks for, at least one."""
        size, batch = self._costs.block_tokens, len(self._batch)
        if self._free >= batch * (steps // size + 1):
            return steps
        low, high = 1, steps
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._blocks_for(middle) <= self._free else (low, middle - 1)
        return low

    def _time_of(self, steps: int) -> float:
        """Seconds of `steps` decode steps: the context grows by the batch in each."""
        costs, batch = self._costs, len(self._batch)
        context = self._context * steps + batch * (steps * (steps - 1) // 2)
        return costs.batch_s[batch] * steps + costs.kv_token_s * context

    def _steps_until(self, at_s: float) -> int:
        """Decode steps until one ends at `at_s` or later, at least one."""
        costs, batch = self._costs, len(self._batch)
        square = costs.kv_token_s * batch / 2
        each = costs.batch_s[batch] + costs.kv_token_s * self._context - square
        left = at_s - self._now
        if left <= 0:
            return 1
        root = left / each if square * left < 1e-12 else (math.sqrt(each * each + 4 * square * left) - each) / (2 * square)
        return max(1, math.ceil(root - 1e-9))
