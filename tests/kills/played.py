"""A whole stack of production handlers, played until everything is at rest; and what is wrong with the outcome."""

import json
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hkreach.domain.message import derived_message_id
from tests.kills.functions import Functions
from tests.kills.local_aws import APP_NAME, PlayedStack, bare_stack, function_environment, introduce
from tests.kills.pollers import MOST_TRIES, Caller, QueuePoller, StreamPoller, function_url, sample
from tests.stack.world import GUIDE, World, eventually

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4
FACTS = {name: f"{name}At" for name in ("queued", "unknown", "accepted", "sent", "delivered", "read", "failed")}
IN_WEBHOOKS = {"sent", "delivered", "read", "failed"}


@dataclass
class Sent:
    """One message on its way. Its id follows from its key, so that a kill can be armed before it is accepted."""

    key: str = field(default_factory=lambda: f"order-{uuid.uuid4()}")
    to: str = field(default_factory=lambda: f"9198{uuid.uuid4().int % 10**8:08d}")

    @property
    def message_id(self) -> str:
        return derived_message_id(APP_NAME, self.key)


class Played:
    """Everything around the functions."""

    def __init__(self, stack: PlayedStack, callbacks_are_held: threading.Event) -> None:
        self.stack, self.functions = stack, stack.functions
        self.callbacks_are_held = callbacks_are_held
        """Meta's callbacks wait until all the rest has come to rest."""
        self.world = World(stack)
        self.caller = Caller(stack, self.functions)
        self.outbox = StreamPoller(stack, self.functions, "relay_outbox", new_outbound_only=True)
        self.events = StreamPoller(stack, self.functions, "relay_events", new_outbound_only=False)
        self.moves = StreamPoller(stack, self.functions, "relay_events", table="LeadsTableName")
        self.to_send = QueuePoller(stack, self.functions, "send_message", "SendNowQueueUrl")
        self.to_fetch = QueuePoller(stack, self.functions, "fetch_media", "MediaQueueUrl")
        self.leads_left = QueuePoller(stack, self.functions, "relay_events", "LeadQueueUrl")
        self.webhooks = QueuePoller(stack, self.functions, "deliver_webhook", "WebhookQueueUrl")
        self.slow_lane = QueuePoller(stack, self.functions, "deliver_webhook", "WebhookRetryQueueUrl")
        self._told: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)

    def client(self, service: str) -> Any:
        return self.stack.client(service)

    def send(self, message: Sent, *, file: bool = False, address: bool = False) -> None:
        fields = {name: GUIDE[name] for name in ("templateName", "languageCode", "bodyParams")} | {"to": message.to}
        content = PDF + message.key.encode() if file or address else None
        if address:
            url = f"{self.stack.inbox_url}/_control/files/{message.key}"
            assert self.world.http.put(url, data=content, timeout=10).ok
            fields["headerMediaUrl"] = url.replace("/_control", "")
        assert message.message_id == self.caller.send(message.key, fields, content if file else None)

    def endpoint_is_slow(self, is_slow: bool) -> None:
        """Whether what comes for it from now on goes by the slow lane."""
        self.webhooks.is_slow = self.slow_lane.is_slow = is_slow

    def relay(self) -> int:
        """Read the streams to their end."""
        return self.outbox.poll() + self.events.poll() + self.moves.poll()

    def wake(self) -> None:
        """The schedule fires."""
        self.functions.invoke("wake_due", sample("wake_due/every_minute"))

    def operate(self, **request: Any) -> dict[str, Any]:
        """A call of the operator's, again until there is an answer."""
        for _ in range(MOST_TRIES):
            invocation = self.functions.invoke("administer", request)
            if not invocation.killed:
                return dict(invocation.answer)
        raise AssertionError("never answered")

    def change(self, message_ids: Sequence[str], attribute: str, value: int) -> None:
        """Move a time that is in their items, so that nobody has to wait for it."""
        for message_id in message_ids:
            self.client("dynamodb").update_item(
                TableName=self.stack.outputs["MessagesTableName"],
                Key={"messageId": {"S": message_id}},
                UpdateExpression=f"SET {attribute} = :value",
                ConditionExpression=f"attribute_exists({attribute})",
                ExpressionAttributeValues={":value": {"N": str(value)}},
            )

    def poll_until(self, is_there: Callable[[dict[str, Any]], bool], messages: Sequence[Sent]) -> None:
        """Let the sender work until the items of all are so."""

        def look() -> list[dict[str, Any]]:
            self.to_send.poll()
            items = [self.world.item(message.message_id) for message in messages]
            return [item for item in items if not is_there(item)]

        eventually(look, lambda left: not left)

    def make_dead_letters(self) -> None:
        """What is in sight on the send queue becomes dead letters."""
        sqs, dead = self.client("sqs"), self.stack.outputs["SendDeadLetterQueueUrl"]
        for record in sqs.receive_message(QueueUrl=self.to_send.url, MaxNumberOfMessages=10)["Messages"]:
            sqs.send_message(QueueUrl=dead, MessageBody=record["Body"])
            sqs.delete_message(QueueUrl=self.to_send.url, ReceiptHandle=record["ReceiptHandle"])

    def settle(self) -> None:
        """Play on until nothing is left to do."""
        eventually(self._play, lambda moved: not moved and not self._busy())
        self.callbacks_are_held.clear()
        eventually(self._play, lambda moved: not moved and self._is_at_rest())
        # Nothing waits for the endpoint any more, but somebody would look after it for two more minutes.
        health = {"pk": {"S": f"{APP_NAME}#we_operator"}, "sk": {"S": "state"}}
        self.client("dynamodb").delete_item(TableName=self.stack.outputs["DeliveriesTableName"], Key=health)

    def _play(self) -> int:
        waiting, deliveries = self._waiting(), self.waiting_deliveries()
        if waiting or deliveries:
            now = time.time_ns() // 1_000_000
            self.change([message_id for message_id, due_at in waiting.items() if due_at > now], "dueAt", now)
            self.let_deliveries_come_due(deliveries, now)
            self.wake()
        return self.play_without_waking()

    def play_without_waking(self) -> int:
        """Read the stream and the queues once; how many records."""
        return self.relay() + self.to_fetch.poll() + self.to_send.poll() + self.leads_left.poll() + self._deliver()

    def _deliver(self) -> int:
        return self.webhooks.poll() + self.slow_lane.poll()

    def _waiting(self) -> dict[str, int]:
        """Which messages wait in the table, and until when."""
        page = self.client("dynamodb").scan(TableName=self.stack.outputs["MessagesTableName"], IndexName="due")
        return {item["messageId"]["S"]: int(item["dueAt"]["N"]) for item in page["Items"]}

    def waiting_deliveries(self) -> list[dict[str, Any]]:
        """The deliveries that wait in the table, as its index has them."""
        page = self.client("dynamodb").scan(TableName=self.stack.outputs["DeliveriesTableName"], IndexName="waiting")
        return list(page["Items"])

    def let_deliveries_come_due(self, deliveries: Sequence[dict[str, Any]], now: int) -> None:
        """Move their times so that nobody has to wait for them; one that changed meanwhile, or is held, is left."""
        for item in deliveries:
            if int(item.get("dueAt", {"N": "0"})["N"]) <= now:
                continue
            with suppress(self.client("dynamodb").exceptions.ConditionalCheckFailedException):
                self.client("dynamodb").update_item(
                    TableName=self.stack.outputs["DeliveriesTableName"],
                    Key={"pk": item["pk"], "sk": item["sk"]},
                    UpdateExpression="SET dueAt = :now",
                    ConditionExpression="version = :version AND dueAt = :due",
                    ExpressionAttributeValues={
                        ":now": {"N": str(now)}, ":version": item["version"], ":due": item["dueAt"],
                    },
                )  # fmt: skip

    def _is_at_rest(self) -> bool:
        # Meta first: its callbacks are what makes the rest move.
        return not (self.world.meta("GET", "callbacks")["outstanding"] or self.relay() or self._busy())

    def _busy(self) -> int:
        queues = self.to_fetch, self.to_send, self.leads_left, self.webhooks, self.slow_lane
        return sum(queue.depth() for queue in queues) + self._in_tables()

    def _in_tables(self) -> int:
        return len(self._waiting()) + len(self.waiting_deliveries())

    def wrong_with(self, message_id: str) -> list[str]:
        """Everything that must not be: doubled, lost, misreported, untold; nothing if all is right."""
        facts, taken = self.facts(message_id), self.world.times_taken().get(message_id, 0)
        if not facts:
            return ["lost: there is no item"]
        wrong = [f"doubled: taken {taken} times"] if taken > 1 else []
        if facts == {"queued"}:
            wrong.append("lost: nothing became of it")
        if taken and facts <= {"queued", "unknown"}:
            wrong.append("misreported: taken, and nobody knows")
        if taken and "failed" in facts:
            wrong.append("misreported: taken, and said to have failed")
        if not taken and facts & {"accepted", "sent", "delivered", "read"}:
            wrong.append("misreported: not taken, and said to be")
        return wrong + self._untold(message_id, facts)

    def _untold(self, message_id: str, facts: set[str]) -> list[str]:
        """Each fact is an event, and each of Meta's a webhook: at least once, and always with the same id."""
        wrong = []
        on_the_bus: defaultdict[str, set[str]] = defaultdict(set)
        for fact, event_id in self.events_of(message_id):
            on_the_bus[fact].add(event_id)
        posted: defaultdict[str, set[str]] = defaultdict(set)
        for webhook in self.world.webhooks(messageId=message_id):
            assert webhook["verified"], webhook
            if webhook["answeredStatus"] == 200:  # the others are tried again
                posted[webhook["body"]["data"].get("status", "received")].add(webhook["eventId"])
        for name, seen, expected in (("event", on_the_bus, facts), ("webhook", posted, facts & IN_WEBHOOKS)):
            wrong += [f"untold: no {name} {fact}" for fact in sorted(expected - set(seen))]
            wrong += [f"untrue: {name} {fact}" for fact in sorted(set(seen) - expected)]
            wrong += [f"doubled: {name} {fact} with two ids" for fact, ids in sorted(seen.items()) if len(ids) > 1]
        return wrong

    def events_of(self, message_id: str) -> list[tuple[str, str]]:
        """What the bus carried about a message, or a lead: fact, or the stage it came to, and event id."""
        sqs, url = self.client("sqs"), self.stack.outputs["AllEventsQueueUrl"]
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for record in found:
                event = json.loads(record["Body"])["detail"]
                data = event["data"]
                subject, fact = (
                    data.get("messageId", data.get("leadId")),
                    data.get("status", data.get("to", "received")),
                )
                self._told[subject].append((fact, event["id"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=record["ReceiptHandle"])
        return self._told[message_id]

    def dead_letters(self) -> int:
        """How many records were given up."""
        names = (
            "SendDeadLetterQueueUrl", "MediaDeadLetterQueueUrl", "LeadDeadLetterQueueUrl", "WebhookDeadLetterQueueUrl",
            "StatusDeadLetterQueueUrl",
        )  # fmt: skip
        return sum(self.world.queue_depth(name) for name in names)

    def facts(self, message_id: str) -> set[str]:
        """What the table knows of a message."""
        item = self.world.item(message_id)
        return {name for name, attribute in FACTS.items() if attribute in item}


@contextmanager
def played(folder: Path, **environment: str) -> Iterator[Played]:
    """A stack of one's own for the length of the block; `environment` is added to that of the functions."""
    with bare_stack(folder) as (stack, key_id):
        variables = function_environment(stack, key_id) | environment
        held = threading.Event()
        with Functions(variables, folder) as functions, function_url(functions, held) as callback_url:
            parts = {name: getattr(stack, name) for name in stack.__dataclass_fields__}
            yield Played(introduce(PlayedStack(**parts, functions=functions), callback_url), held)
