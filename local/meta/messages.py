"""POST /{version}/{phone_number_id}/messages: takes messages and sets their statuses going."""

import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from local.meta.envelope import is_read_receipt, read_message, read_receipt
from local.meta.exchange import answer_request, open_record
from local.meta.media_rules import KIND_OF_MIME_TYPE, MEDIA_KINDS, MediaReference, image_problem
from local.meta.records import RequestRecord
from local.meta.script import Answer, StatusRule, StatusStep
from local.meta.settings import Number
from local.meta.simulator import SIMULATOR, Simulator
from local.meta.statuses import USUAL_COURSE, AcceptedMessage, StatusReporter
from local.meta.wire import new_wamid, usage_headers
from local.typed_json import JsonObject

_WINDOW_CLOSED = (
    "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
)


async def post_message(request: web.Request) -> web.Response:
    """Take a message or a read receipt, unless a rule says otherwise."""
    simulator = request.app[SIMULATOR]
    record = simulator.records.add(open_record(request, "messages"))
    raw = await request.read()
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode("utf-8", "replace")
    record.read_body(body)
    rule = simulator.answers.take(record)
    answer = rule.answer if rule else Answer()

    async def process() -> JsonObject:
        number = simulator.authorized_number(request)
        if is_read_receipt(body):
            read_receipt(body)
            return {"success": True}
        return await _accept(simulator, number, record, answer)

    return await answer_request(request, record, process, answer, _usage(simulator, record.phone_number_id))


def _usage(simulator: Simulator, phone_number_id: str) -> Mapping[str, str]:
    number, usage = simulator.number(phone_number_id), simulator.settings.usage
    return usage_headers(usage, number.waba_id) if number and usage else {}


async def _accept(simulator: Simulator, number: Number, record: RequestRecord, answer: Answer) -> JsonObject:
    message = read_message(record.body, number, simulator.settings)
    recipient = message.recipient
    record.taken_at = simulator.limits.take(number, recipient, simulator.settings)
    accepted = AcceptedMessage(new_wamid(recipient.address), number, message)
    record.answer["wamid"] = accepted.wamid
    if message.echo is not None:
        simulator.records.taken[message.echo] += 1
    await _report(simulator, accepted, record, answer)
    sent: JsonObject = {"id": accepted.wamid}
    if recipient.group_id:
        sent["group_id"] = recipient.group_id
    if message.is_template or answer.message_status:
        sent["message_status"] = answer.message_status or "accepted"
    return {"messaging_product": "whatsapp", "contacts": [recipient.as_contact()], "messages": [sent]}


async def _report(simulator: Simulator, accepted: AcceptedMessage, record: RequestRecord, answer: Answer) -> None:
    rule = simulator.statuses.take(record)
    steps = _steps(simulator, accepted, rule, answer)
    reporter = StatusReporter(simulator.callbacks, accepted, steps, rule)
    if rule and rule.before_answer:
        await reporter.report()
    else:
        simulator.callbacks.run(reporter.report())


def _steps(
    simulator: Simulator, accepted: AcceptedMessage, rule: StatusRule | None, answer: Answer
) -> Sequence[StatusStep]:
    if answer.failed is not None:
        return [StatusStep("failed", answer.failed)]
    if rule is not None:
        return rule.steps
    failure = _failure(simulator, accepted)
    return [failure] if failure else USUAL_COURSE


def _failure(simulator: Simulator, accepted: AcceptedMessage) -> StatusStep | None:
    """Return the failure that Meta finds only after it has accepted a message."""
    message, number = accepted.message, accepted.number
    for reference in message.media:
        details = _media_problem(simulator, number, reference)
        if details:
            return StatusStep("failed", 131053, details)
    if not (message.is_template or simulator.is_window_open(number, message.recipient.address)):
        return StatusStep("failed", 131047, _WINDOW_CLOSED)
    return None


def _media_problem(simulator: Simulator, number: Number, reference: MediaReference) -> str | None:
    media = simulator.media.get(reference.media_id)
    if media is None or media.phone_number_id != number.phone_number_id:
        return f"Media with id {reference.media_id} does not exist on this phone number."
    if KIND_OF_MIME_TYPE.get(media.mime_type) != reference.kind:
        allowed = ", ".join(MEDIA_KINDS[reference.kind].mime_types)
        return f"Unsupported {reference.kind.title()} mime type {media.mime_type}. Please use one of {allowed}."
    return image_problem(media.mime_type, media.content)
