"""Read a message for the app that sent it."""

from typing import Any

from hkreach.domain.app import App
from hkreach.domain.errors import NotFound
from hkreach.domain.message import MEDIA, OutboundMessage, Status, is_message_id
from hkreach.domain.meta_outcome import ASKED_BY_HAND_ONLY, NEEDS_THE_OPERATOR
from hkreach.domain.number import BREAKER, HALTED, NUMBER_RATE, PAIR_RATE, UPLOAD
from hkreach.domain.time import to_rfc3339
from hkreach.ports import Messages


def read_message(app: App, message_id: str, *, messages: Messages) -> OutboundMessage:
    """The app's message. Raises NotFound for one that is another app's, expired, or never was: all look the same."""
    message = messages.get(message_id) if is_message_id(message_id) else None
    if message is None or message.app_name != app.app_name:
        raise NotFound("This app has no message with this id; messages are kept for 90 days.")
    return message


def timeline(message: OutboundMessage) -> dict[str, Any]:
    """Everything that is known of a message: its facts, the tries that did not send, and why it waits."""
    known: dict[str, Any] = {
        "messageId": message.message_id,
        "status": message.status.value,
        "to": message.to,
        "templateName": message.template.name,
        "languageCode": message.template.language_code,
        "thirdPartyAppName": message.third_party_app_name,
        "metaMessageId": message.wamid,
        "deadlineAt": to_rfc3339(message.deadline),
        "facts": [
            {"status": status.value, "at": to_rfc3339(at)}
            for status, at in sorted(message.facts.items(), key=lambda fact: fact[1])
        ],
        "attempts": [{"number": a.number, "at": to_rfc3339(a.at), "code": a.code} for a in message.attempts],
        "waiting": _waiting(message),
        "error": message.error.as_dict() if message.error else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _waiting(message: OutboundMessage) -> dict[str, str] | None:
    """In words why the message is not settled, and when it is tried next, if that is known."""
    if message.is_settled:
        return None
    unknown = message.status is Status.UNKNOWN
    if message.claim is not None:
        return {"reason": "It is being sent again: Meta's answer got lost." if unknown else "It is being sent."}
    next_try = {"nextTryAt": to_rfc3339(message.next_try_at)} if message.next_try_at else {}
    if unknown and message.resend is not None:
        reason = "Meta's answer got lost: it may have been sent, and is sent again if no callback tells of it before."
        return {"reason": reason} | next_try
    if unknown:
        return {"reason": "Meta's answer got lost: it may have been sent, and is not sent again. A callback will tell."}
    if message.waits_for is not None:
        why, _, code = message.waits_for.partition(":")
        return _halted(code, next_try) if why == HALTED else {"reason": _untried(why, code)} | next_try
    if message.must_be_fetched:
        return {"reason": "Its file is to be fetched from its address."}
    if not message.attempts:
        return {"reason": "It is in the queue."}
    code = message.attempts[-1].code
    if code.isdecimal() and int(code) in NEEDS_THE_OPERATOR:
        return _halted(code, next_try)
    return {"reason": f"Meta could not take it at the last try ({code})."} | next_try


def _halted(code: str, next_try: dict[str, str]) -> dict[str, str]:
    refused = f"Meta refuses the app's account (code {code})"
    if int(code) in ASKED_BY_HAND_ONLY:
        return {"reason": f"{refused}, and is not asked again until this stack's operator says so."}
    return {"reason": f"{refused}: the operator of this stack has to mend that."} | next_try


def _untried(why: str, code: str) -> str:
    """In words what a message waits for that was not tried."""
    return {
        PAIR_RATE: "Meta takes one message in six seconds to the same recipient.",
        NUMBER_RATE: "The app's number has as many messages to send as Meta takes from it in this time.",
        MEDIA: f"Its file could not be fetched, or not be given to Meta, at the last try ({code}).",
        UPLOAD: "Its file is on the way to Meta, with another message.",
        BREAKER: f"Meta could not take other messages ({code}): it is tried again with one, and then with all.",
    }.get(why, "It waits.")
