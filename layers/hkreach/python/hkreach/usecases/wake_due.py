"""Put back on its queue what waits in the table and falls due."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import batched, chain, islice, zip_longest

from aws_lambda_powertools import Logger

from hkreach.domain.message import DueMessage
from hkreach.domain.time import MINUTE, SECOND
from hkreach.ports import Clock, Messages, SendQueue

logger = Logger(service="hkreach", child=True)

MOST_AT_ONCE = 10_000
"""That are read together, of a backlog that may be larger."""
_OF_ONE_APP = 500
"""Of these, until all are read: in ten thousand of one app there may be none of another's."""
_MOST_LEFT = 50_000
"""More than one call wakes."""
_TOGETHER = 100
_TIME_TO_FINISH = 10 * SECOND
_SECOND_CALL = 5 * MINUTE
"""A message that was woken and is not claimed by then is woken again: the queue may have lost it."""


def wake_due(
    *,
    messages: Messages,
    queue: SendQueue,
    now: Clock,
    time_left: Callable[[], int],
    each: Callable[[Callable[[DueMessage], None], Iterable[DueMessage]], Iterable[None]] = map,
) -> int:
    """Queue the messages whose wait ends within the minute until the next call, each for its second; returns how many.

    It queues first and writes afterwards: who dies between wakes a message twice, and never not at all. It reads on as
    long as there is time; what it has no time for is the next call's. `each` may make the writes at once.
    """
    woken = refused = 0
    for some in batched(_in_turn(messages.due(now() + MINUTE, MOST_AT_ONCE)), _TOGETHER, strict=False):
        if time_left() < _TIME_TO_FINISH:
            break
        delays = {message.message_id: max(0, -((now() - message.due_at) // SECOND)) for message in some}
        not_taken = {message.message_id for message in queue.put(some, delays)}
        taken = [message for message in some if message.message_id not in not_taken]
        for _ in each(lambda message: messages.wait_again(message, max(now(), message.due_at) + _SECOND_CALL), taken):
            pass
        woken, refused = woken + len(taken), refused + len(not_taken)
    if refused:
        logger.error("queue refused due messages", refused=refused)
    return woken


def _in_turn(due: Iterator[DueMessage]) -> Iterator[DueMessage]:
    """One-time codes first; then round the apps, so that none waits for the end of another's line."""
    left: list[DueMessage] = []
    for some in batched(due, MOST_AT_ONCE, strict=False):
        yield from _round(_lines(message for message in some if message.purpose == "authentication"))
        lines = _lines(message for message in some if message.purpose != "authentication")
        yield from _round([line[:_OF_ONE_APP] for line in lines])
        left += islice(chain.from_iterable(line[_OF_ONE_APP:] for line in lines), _MOST_LEFT - len(left))
    yield from _round(_lines(left))


def _lines(due: Iterable[DueMessage]) -> list[list[DueMessage]]:
    """Each app's, oldest first; whose oldest is older comes first."""
    lines: defaultdict[str, list[DueMessage]] = defaultdict(list)
    for message in sorted(due, key=lambda message: message.due_at):
        lines[message.app_name].append(message)
    return list(lines.values())


def _round(lines: list[list[DueMessage]]) -> Iterator[DueMessage]:
    return (message for message in chain.from_iterable(zip_longest(*lines)) if message is not None)
