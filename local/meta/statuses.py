"""Tells the callback URL what became of a message."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from local.meta.callbacks import CallbackSender
from local.meta.envelope import Message
from local.meta.graph_errors import webhook_error
from local.meta.script import StatusRule, StatusStep
from local.meta.settings import Number
from local.typed_json import JsonObject

USUAL_COURSE = (StatusStep("sent"), StatusStep("delivered"), StatusStep("read"))


@dataclass(frozen=True)
class AcceptedMessage:
    """A message that was given an id."""

    wamid: str
    number: Number
    message: Message


def envelope(*changes: tuple[Number, Sequence[JsonObject]]) -> JsonObject:
    """Return a callback with an entry for each number, which holds these values of the field `messages`."""
    return {
        "object": "whatsapp_business_account",
        "entry": [
            {"id": number.waba_id, "changes": [{"field": "messages", "value": value} for value in values]}
            for number, values in changes
        ],
    }


def change_value(number: Number, **content: object) -> JsonObject:
    """Return a change's value about a number."""
    metadata = {"display_phone_number": number.digits, "phone_number_id": number.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


class StatusReporter:
    """Reports the statuses of one message, as a rule says or in the usual course."""

    def __init__(
        self,
        sender: CallbackSender,
        accepted: AcceptedMessage,
        steps: Sequence[StatusStep],
        rule: StatusRule | None,
    ) -> None:
        self._sender = sender
        self._accepted = accepted
        self._steps = steps
        self._echo = rule.echo if rule else True
        self._batch = rule.batch if rule else "none"
        priced = [step for step in steps if step.status in ("delivered", "read")][:1]
        self._priced = [step for step in steps if step.status == "sent"][:1] + priced

    async def report(self) -> None:
        """Send the statuses, each a while after the one before it, or all at once if they come as a batch."""
        values = []
        async with asyncio.TaskGroup() as deliveries:
            for step in self._steps:
                await asyncio.sleep(self._sender.settings.status_delay if step.delay is None else step.delay)
                for value in [self._value(step)] * step.copies:
                    if self._batch == "none":
                        deliveries.create_task(self._sender.send(envelope((self._accepted.number, [value]))))
                    else:
                        values.append(value)
        if values:
            await self._sender.send(self._batched(values))

    def _batched(self, values: list[JsonObject]) -> JsonObject:
        number = self._accepted.number
        if self._batch == "entries":
            return envelope(*((number, [value]) for value in values))
        if self._batch == "changes":
            return envelope((number, values))
        contacts = [contact for value in values for contact in value.get("contacts", [])][:1]
        statuses = [status for value in values for status in value["statuses"]]
        return envelope(
            (
                number,
                [change_value(number, **({"contacts": contacts} if contacts else {}), statuses=statuses)],
            )
        )

    def _value(self, step: StatusStep) -> JsonObject:
        number, recipient = self._accepted.number, self._accepted.message.recipient
        failed = step.status == "failed"
        contacts = {} if failed or recipient.group_id else {"contacts": [recipient.as_status_contact()]}
        return change_value(number, **contacts, statuses=[self._status(step)])

    def _status(self, step: StatusStep) -> JsonObject:
        message = self._accepted.message
        recipient = message.recipient
        failed = step.status == "failed"
        status: JsonObject = {
            "id": self._accepted.wamid,
            "status": step.status,
            "timestamp": str(int(time.time())),
        }
        if recipient.wa_id or recipient.group_id:
            status["recipient_id"] = recipient.address
        if recipient.group_id:
            status["recipient_type"] = "group"
        elif not (failed and recipient.wa_id):
            status["recipient_user_id"] = recipient.user_id
        if message.echo is not None and self._echo and not (failed and not self._sender.settings.echo_on_failed):
            status["biz_opaque_callback_data"] = message.echo
        if step in self._priced:
            status["pricing"] = _pricing(message)
        if failed:
            status["errors"] = [webhook_error(step.code or 131000, step.details)]
        return status


def _pricing(message: Message) -> JsonObject:
    billable = message.is_template
    return {
        "billable": billable,
        "pricing_model": "PMP",
        "type": "regular" if billable else "free_customer_service",
        "category": message.category,
    }
