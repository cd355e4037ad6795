"""Who waits for whom: a burst to one recipient, and one-time codes beside a campaign. At Meta's usual 80 a second."""

import random
from dataclasses import dataclass

from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.usecases.send_message_admission import Admission
from tests.builders import NOW
from tests.replay.meta import PAIR, THROUGHPUT, Rate, SimulatedMeta
from tests.replay.stack import TWICE, Stack
from tests.replay.timeline import Timeline

NUMBER_TAKES = Rate(80, SECOND)
BURST = 200
CAMPAIGN, CAMPAIGN_ARRIVES_IN = 5_000, 10 * SECOND
CODES_EACH = SECOND


@dataclass(frozen=True)
class Burst:
    """What came of many messages to one recipient."""

    sent: int
    pair_refusals: int
    """How often Meta said 131056."""
    took: int
    """Milliseconds from the first request until Meta had the last."""

    least = (BURST - 45) * 6 * SECOND
    """By Meta's rule: 45 at once, then one each six seconds."""


def burst(seed: int = 1, admission: type[Admission] = Admission, twice: float = TWICE) -> Burst:
    """200 messages to one recipient within ten seconds. `twice`: of the queue's records, how many come twice."""
    stack = _stack(seed, admission, "mystore", twice=twice)
    for place in range(BURST):
        stack.timeline.at(NOW + place * 50, lambda: stack.accept("mystore", "919999999999"))
    stack.timeline.run_until(NOW + 2 * HOUR)
    stack.close()
    last = max(times[-1] for times in stack.meta.taken.values())
    refused = sum(limit == PAIR for _, limit in stack.meta.refusals)
    return Burst(len(stack.meta.taken), refused, last - NOW)


@dataclass(frozen=True)
class Codes:
    """How long one-time codes waited, from the accepted request until Meta had them."""

    waits: list[int]
    """Milliseconds, of those that were sent while the campaign was (idle: in the same time), in their order."""
    undelivered: int
    campaign_took: int
    campaign_undelivered: int
    throttled: int
    """How often Meta said 130429."""
    pacing_writes: float
    """To the numbers table, for each message."""

    @property
    def p99(self) -> int:
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def codes(
    campaign_of: str | None, seed: int = 1, campaign: int = CAMPAIGN, admission: type[Admission] = Admission
) -> Codes:
    """Codes of `mystore` each second for five minutes, beside a campaign of an app, or of none."""
    stack = _stack(seed, admission, "mystore", "othershop")
    advertised: list[str] = []
    sent: list[str] = []
    accept = stack.accept

    def advertise(place: int) -> None:
        assert campaign_of is not None
        advertised.append(accept(campaign_of, f"92{place:010}", purpose="marketing"))

    start = NOW + MINUTE
    for place in range(campaign if campaign_of else 0):
        moment = start + place * CAMPAIGN_ARRIVES_IN // CAMPAIGN
        stack.timeline.at(moment, lambda place=place: advertise(place))  # type: ignore[misc]
    for place in range(300):
        moment = start + place * CODES_EACH + 7
        to = f"91{place:010}"
        stack.timeline.at(moment, lambda to=to: sent.append(accept("mystore", to, purpose="authentication")))  # type: ignore[misc]
    stack.timeline.run_until(start + 3 * HOUR)
    stack.close()
    taken = {message_id: times[0] for message_id, times in stack.meta.taken.items()}
    ended = max((taken[message_id] for message_id in advertised if message_id in taken), default=start + 5 * MINUTE)
    beside = [message_id for message_id in sent if message_id in taken and stack.accepted[message_id] <= ended]
    return Codes(
        [taken[message_id] - stack.accepted[message_id] for message_id in beside],
        sum(message_id not in taken for message_id in sent),
        ended - start,
        sum(message_id not in taken for message_id in advertised),
        sum(limit == THROUGHPUT for _, limit in stack.meta.refusals),
        len(stack.numbers.writes) / len(stack.accepted),
    )


def _stack(seed: int, admission: type[Admission], *apps: str, twice: float = TWICE) -> Stack:
    random.seed(seed)
    timeline = Timeline(NOW)
    return Stack(timeline, SimulatedMeta(timeline, NUMBER_TAKES, seed=seed), apps, admission=admission, twice=twice)
