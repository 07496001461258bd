"""The same scheduling written the slow way, one step and one token at a time, to hold the fast one against."""

from __future__ import annotations

from dataclasses import dataclass

from inferstack.sizing.simulation import Requests, StepCosts


@dataclass(slots=True)
class Sequence:
    number: int
    prompt: int
    done: int = 0
    made: int = 0
    context: int = 0


def serve(requests: Requests, costs: StepCosts) -> tuple[list[float], list[float]]:
    """First and last token of each request on one replica that never runs out of KV blocks, in seconds."""
    count = len(requests)
    first, last = [0.0] * count, [0.0] * count
    coming, waiting, prefill, batch = list(range(count)), list[Sequence](), list[Sequence](), list[Sequence]()
    now = 0.0
    while coming or waiting or prefill or batch:
        if not (waiting or prefill or batch):
            now = max(now, requests.arrival_s[coming[0]])
        while coming and requests.arrival_s[coming[0]] <= now:
            number = coming.pop(0)
            waiting.append(Sequence(number, requests.isl[number]))
        while waiting and len(batch) + len(prefill) < costs.slots:
            prefill.append(waiting.pop(0))
        left, work, complete = max(1, costs.budget - len(batch)), 0.0, list[Sequence]()
        for one in list(prefill):
            if left <= 0 or (costs.whole and complete and one.prompt > left):
                break
            chunk = one.prompt if costs.whole else min(left, one.prompt - one.done)
            end = one.done + chunk
            work += costs.prompt_token_s * chunk + costs.prompt_token2_s * (end**2 - one.done**2)
            work += 0.0 if one.done else costs.request_s
            one.done, left = end, left - chunk
            if one.done == one.prompt:
                prefill.remove(one)
                complete.append(one)
        read = sum(one.context for one in batch)
        now += costs.batch_s[min(len(batch) + len(complete), costs.slots)] + costs.kv_token_s * read + work
        for one in batch:
            one.made, one.context = one.made + 1, one.context + 1
        for one in complete:
            one.made, one.context = 1, one.prompt
            first[one.number] = now
        for one in [*batch, *complete]:
            if one.made >= requests.osl[one.number]:
                last[one.number] = now
        batch = [one for one in [*batch, *complete] if one.made < requests.osl[one.number]]
    return first, last
