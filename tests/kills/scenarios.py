"""What the functions are killed in: each way through a step, and how a message comes to it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hkreach.domain.event import status_event
from hkreach.domain.message import Status
from tests.builders import outbound
from tests.kills.functions import Kill, When
from tests.kills.played import Played, Sent
from tests.stack.world import eventually

type Point = tuple[int, When]


@dataclass(frozen=True)
class Journey:
    """Messages on their way, and how many invocations there had been when the one to be killed was due."""

    messages: list[Sent]
    armed_at: int


@dataclass(frozen=True)
class Scenario:
    """One way through a step."""

    name: str
    step: str
    subject: Callable[[Sent], str] = lambda message: message.message_id
    """What the event of the invocation to be killed holds."""
    messages: int = 1
    file: bool = False
    address: bool = False
    """Whether its file lies at an address."""
    lead: Callable[[Played, Sequence[Sent], "Scenario"], None] = lambda *_: None
    """Brings the messages to where the kill is armed."""
    go: Callable[[Played, Sequence[Sent], "Scenario"], None] = lambda *_: None
    """Goes on from there; the rest goes by itself."""
    finish: Callable[[Played], None] = lambda _: None
    """What an operator repeats until there is nothing left to do."""
    answer: Mapping[str, Any] | None = None
    """Meta's first answer, if it is not the usual one."""
    refused: int = 0
    """How often the integrator's server refuses a webhook of each message."""
    slow: bool = False
    """Whether that server is known to be slow."""
    late: bool = False
    """Whether Meta's status comes only when all claims have run out, and all outcomes are written."""
    echo: bool = True
    end: str = "sent"
    """The fact that must be there at the end."""

    def start(self, stack: Played, point: Point | None) -> Journey:
        """Set messages on their way, with a kill in it."""
        messages = [Sent() for _ in range(self.messages)]
        for message in messages:
            match = {"to": f"+{message.to}"}
            if self.answer is not None:
                stack.world.meta_answers({"match": match | {"edge": "messages"}, "times": 1, "answer": self.answer})
            if self.refused:
                stack.world.inbox_answers_for(message.message_id, {"status": 500, "times": self.refused})
            told = ["sent"] if self.end == "sent" else []
            stack.world.meta_statuses({"match": match, "times": 1, "statuses": told, "echo": self.echo})
        stack.endpoint_is_slow(self.slow)
        if self.late:
            stack.callbacks_are_held.set()
        self.lead(stack, messages, self)
        if point:
            stack.functions.arm(Kill(self.step, self.subject(messages[0]), *point))
        journey = Journey(messages, len(stack.functions.invocations))
        self.go(stack, messages, self)
        return journey

    def calls(self, stack: Played, clean: Journey) -> list[str]:
        """The calls of the invocation that is to be killed, when it was not."""
        subject = self.subject(clean.messages[0])
        later = stack.functions.invocations[clean.armed_at :]
        return next(seen.calls for seen in later if seen.step == self.step and subject in seen.event)


def ids(messages: Sequence[Sent]) -> list[str]:
    return [message.message_id for message in messages]


def send(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Accepted, and the stream read once: they are one batch of it."""
    for message in messages:
        stack.send(message, file=scenario.file, address=scenario.address)
    stack.relay()


def until_waiting(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Refused for ten minutes, so that they wait in the table; now they are due."""
    send(stack, messages, scenario)
    stack.poll_until(lambda item: "dueAt" in item, messages)
    stack.change(ids(messages), "dueAt", time.time_ns() // 1_000_000)


def wake(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    stack.wake()


def until_abandoned(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Whoever sent them was killed when Meta had answered, and the claim ran out."""
    for message in messages:
        stack.functions.arm(Kill("send_message", message.message_id, 7, "after"))
    send(stack, messages, scenario)
    stack.poll_until(lambda item: "claimedUntil" in item, messages)
    stack.change(ids(messages), "claimedUntil", time.time_ns() // 1_000_000)


def until_unknown(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    send(stack, messages, scenario)
    stack.poll_until(lambda item: "unknownAt" in item, messages)


def until_resent(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """The operator has an unknown message sent again."""
    until_unknown(stack, messages, scenario)
    settle(stack, messages, scenario)


def settle(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """The operator's call, once more if it got no answer; then it may be settled already."""
    for message in messages:
        outcome = "failed" if scenario.end == "failed" else "resend"
        stack.operate(action="settle_unknown", appName="demo_store", messageId=message.message_id, outcome=outcome)


def until_dead(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Their queue records became dead letters."""
    send(stack, messages, scenario)
    stack.make_dead_letters()


def redrive(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    stack.operate(action="redrive", queue="send")


def redrive_all(stack: Played) -> None:
    while stack.dead_letters():
        stack.operate(action="redrive", queue="send")


def until_forgotten(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """The queue lost them, a while ago."""
    send(stack, messages, scenario)
    stack.client("sqs").purge_queue(QueueUrl=stack.to_send.url)
    stack.change(ids(messages), "queuedAt", time.time_ns() // 1_000_000 - 1_000_000)


def recover(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    stack.operate(action="recover", olderThanSeconds=600)


def recover_all(stack: Played) -> None:
    while stack.operate(action="recover", olderThanSeconds=600)["found"]:
        pass


def event_id(message: Sent) -> str:
    """Of the event that tells that it was sent."""
    return status_event(outbound(message.message_id, facts={Status.SENT: 0}), Status.SENT)["id"]  # type: ignore[no-any-return]


def until_refused(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Their webhooks were refused, so that they wait in the table; now they are due, and no queue has them."""
    send(stack, messages, scenario)
    ids = {event_id(message) for message in messages}

    def look() -> list[dict[str, Any]]:
        stack.play_without_waking()
        return [item for item in stack.waiting_deliveries() if item["sk"]["S"].rpartition("#")[2] in ids]

    waiting = eventually(look, lambda found: len(found) == len(messages))
    stack.client("sqs").purge_queue(QueueUrl=stack.slow_lane.url)
    stack.let_deliveries_come_due(waiting, time.time_ns() // 1_000_000)


def try_again(stack: Played, messages: Sequence[Sent], scenario: Scenario) -> None:
    """Woken and tried, before anybody wakes it once more."""
    stack.wake()
    stack.slow_lane.poll()


_LOST = {"fault": "reset_before"}
SCENARIOS = [
    Scenario("a template is accepted", "accept_message", subject=lambda message: message.key, go=send),
    Scenario("a file is accepted", "accept_message", subject=lambda message: message.key, file=True, go=send),
    Scenario("eleven new messages are queued", "relay_outbox", messages=11, go=send, end="accepted"),
    Scenario("a file is sent", "send_message", file=True, go=send, late=True),
    Scenario("a file is fetched", "fetch_media", address=True, go=send),
    Scenario("Meta refuses", "send_message", go=send, answer={"graphError": 132001}, end="failed"),
    Scenario("Meta says not now", "send_message", go=send, answer={"graphError": 131016}),
    Scenario("Meta refuses the account", "send_message", go=send, answer={"graphError": 190}),
    Scenario("Meta's answer is lost", "send_message", go=send, answer={"fault": "reset_after"}, late=True),
    Scenario("a claim ran out", "send_message", lead=until_abandoned, late=True),
    Scenario("sent again with leave", "send_message", lead=until_resent, answer=_LOST, late=True),
    Scenario("two are due", "wake_due", lambda _: "", 2, lead=until_waiting, go=wake, answer={"graphError": 134101}),
    Scenario("a status with the echo", "receive_meta", go=send),
    Scenario("a status without it", "receive_meta", lambda message: message.to, go=send, echo=False, late=True),
    Scenario("eleven new facts are published", "relay_events", messages=11, go=send, end="accepted"),
    Scenario("a webhook is posted", "deliver_webhook", event_id, go=send),
    Scenario("a webhook goes by the slow lane", "deliver_webhook", event_id, go=send, slow=True),
    Scenario("a webhook is refused", "deliver_webhook", event_id, go=send, refused=1),
    Scenario("a webhook is tried again", "deliver_webhook", event_id, lead=until_refused, go=try_again, refused=1),
    Scenario("a webhook is refused again", "deliver_webhook", event_id, lead=until_refused, go=try_again, refused=2),
    Scenario("a delivery is due", "wake_due", lambda _: "", 2, lead=until_refused, go=wake, refused=1),
    Scenario("resend the unknown", "administer", lead=until_unknown, go=settle, answer=_LOST),
    Scenario("fail the unknown", "administer", lead=until_unknown, go=settle, answer=_LOST, end="failed"),
    Scenario("redrive", "administer", lambda _: '"redrive"', lead=until_dead, go=redrive, finish=redrive_all),
    Scenario("recover", "administer", lambda _: '"recover"', lead=until_forgotten, go=recover, finish=recover_all),
]
