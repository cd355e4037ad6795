"""receive_meta: only what Meta signed, all of it, and one bad item or write never hides its neighbours."""

import json
from typing import Any

import pytest

from hkreach.domain.errors import Unauthorized
from hkreach.domain.message import Status, inbound_message_id
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.signature import sign
from hkreach.domain.time import MINUTE
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import MEDIA, MESSAGE_ID, NUMBER, OTHER_ID, OTHER_NUMBER, RECIPIENT, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp

SECRET = "meta-app-secret"


def _status(status: str, message_id: str = MESSAGE_ID, **parts: Any) -> dict[str, Any]:
    node = {"id": f"wamid.{message_id}", "status": status, "timestamp": "1795338002"}
    return node | {"biz_opaque_callback_data": message_id} | parts


def _text(wamid: str = "wamid.in", **parts: Any) -> dict[str, Any]:
    node = {"from": RECIPIENT, "id": wamid, "timestamp": "1795338060", "type": "text", "text": {"body": "Hello"}}
    return node | parts


def _value(number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    return {"metadata": {"phone_number_id": number}, **parts}


def _body(*values: dict[str, Any]) -> bytes:
    changes = [{"field": "messages", "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "w", "changes": changes}]}).encode()


@pytest.fixture
def apps() -> FakeApps:
    return FakeApps(app())


@pytest.fixture
def step(messages: FakeMessages, apps: FakeApps, clock: FakeClock) -> ReceiveMeta:
    messages.add(outbound())
    messages.add(outbound(OTHER_ID))
    messages.calls.clear()
    return ReceiveMeta(messages, apps, FakeMetaApp(SECRET, "secret-before"), clock, FakeNumbers())


def _call(step: ReceiveMeta, body: bytes, secret: str = SECRET) -> dict[str, int]:
    return dict(step(body, f"sha256={sign(secret, body)}"))


@pytest.mark.parametrize("secret", [SECRET, "secret-before"])
def test_what_was_signed_with_a_live_secret_is_recorded(step: ReceiveMeta, messages: FakeMessages, secret: str) -> None:
    assert {"recorded": 1} == _call(step, _body(_value(statuses=[_status("delivered")])), secret)
    assert {Status.DELIVERED: 1_795_338_002_000}.items() <= messages.rows[MESSAGE_ID].message.facts.items()


BODY = _body(_value(statuses=[_status("delivered")], messages=[_text()]))
SIGNED = f"sha256={sign(SECRET, BODY)}"


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY, ""),
        (BODY, sign(SECRET, BODY)),
        (BODY, "sha256="),
        (BODY, f"sha1={sign(SECRET, BODY)}"),
        (BODY, f"sha256={sign('another secret', BODY)}"),
        (BODY, SIGNED[:-1]),
        (BODY, SIGNED + "0"),
        (BODY, "sha256=" + "é" * 64),
        (BODY[:-1], SIGNED),
        (BODY + b" ", SIGNED),
        (BODY.replace(b"delivered", b"read     "), SIGNED),
        (b"", SIGNED),
    ],
    ids=[
        "unsigned", "no scheme", "empty", "sha1", "forged", "cut", "longer", "not ascii", "truncated body",
        "longer body", "changed body", "no body",
    ],
)  # fmt: skip
def test_anything_else_is_unauthorized_and_writes_nothing(
    step: ReceiveMeta, messages: FakeMessages, body: bytes, signature: str
) -> None:
    with pytest.raises(Unauthorized):
        step(body, signature)
    assert [] == messages.calls


def test_without_any_secret_nobody_is_believed(messages: FakeMessages, apps: FakeApps, clock: FakeClock) -> None:
    with pytest.raises(Unauthorized):
        ReceiveMeta(messages, apps, FakeMetaApp(), clock, FakeNumbers())(BODY, f"sha256={sign('', BODY)}")


def test_a_customers_message_is_written_once(step: ReceiveMeta, messages: FakeMessages) -> None:
    value = _value(messages=[_text()], contacts=[{"wa_id": RECIPIENT, "profile": {"name": "John Doe"}}])

    assert [{"recorded": 1}, {"repeated": 1}] == [_call(step, _body(value)) for _ in range(2)]
    message = messages.inbound[inbound_message_id(NUMBER, "wamid.in")]
    assert ("mystore", RECIPIENT, "John Doe", 1_795_338_060_000) == (
        message.app_name, message.sender, message.contact_name, message.received_at,
    )  # fmt: skip
    assert {"type": "text", "text": {"body": "Hello"}} == message.content


def test_all_entries_changes_and_items_are_read(step: ReceiveMeta, messages: FakeMessages) -> None:
    entries = json.loads(
        _body(_value(statuses=[_status("sent"), _status("read", OTHER_ID)]), _value(messages=[_text()]))
    )
    entries["entry"] += json.loads(_body(_value(statuses=[_status("delivered")], messages=[_text("wamid.2")])))["entry"]

    assert {"recorded": 5} == _call(step, json.dumps(entries).encode())
    assert {Status.SENT, Status.DELIVERED} <= set(messages.rows[MESSAGE_ID].message.facts)
    assert (Status.READ, 2) == (messages.rows[OTHER_ID].message.status, len(messages.inbound))


def test_what_is_not_ours_or_not_readable_is_passed_over(step: ReceiveMeta, messages: FakeMessages) -> None:
    statuses = [
        _status("sent", biz_opaque_callback_data="3fa85f64-5717-4562-b3fc-000000000000"),
        _status("deleted"),
        _status("played"),
        {"status": "sent"},
        None,
        "junk",
        _status("delivered"),
    ]
    inbound = [_text(type="image"), {"type": "text"}, 7, _text("wamid.good")]
    body = _body(
        _value(statuses=statuses, messages=inbound),
        _value(OTHER_NUMBER, statuses=[_status("read")], messages=[_text()]),
        {"statuses": [_status("read")]},
        {"metadata": None, "messages": [_text()]},
        _value(errors=[{"code": 130429}]),
    )

    assert {"unknown": 2, "passed over": 12, "recorded": 2} == _call(step, body)
    assert Status.DELIVERED == messages.rows[MESSAGE_ID].message.status
    assert 1 == len(messages.inbound)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"{}", b'{"entry": {}}', b'{"entry": [7, {"changes": [8, {}]}]}', b"\xff\xfe",
     b"[" * 99_999],
    ids=["empty", "torn", "null", "list", "object", "no list", "junk in lists", "no text", "deep"],
)  # fmt: skip
def test_a_signed_body_of_any_other_form_is_taken_and_harmless(
    step: ReceiveMeta, messages: FakeMessages, body: bytes
) -> None:
    assert _call(step, body).keys() <= {"passed over"}
    assert [] == messages.calls


def test_other_fields_are_taken_and_harmless(step: ReceiveMeta, messages: FakeMessages) -> None:
    entry = {"changes": [{"field": "account_update", "value": _value(statuses=[_status("read")])}]}

    assert {"passed over": 1} == _call(step, json.dumps({"entry": [entry]}).encode())
    assert [] == messages.calls


def test_one_failing_write_does_not_stop_the_others_and_is_raised_at_the_end(
    step: ReceiveMeta, messages: FakeMessages
) -> None:
    messages.fails("record_status", OSError("first"))
    body = _body(_value(statuses=[_status("sent"), _status("delivered")], messages=[_text()]))

    with pytest.raises(OSError, match="first"):
        _call(step, body)
    assert Status.DELIVERED == messages.rows[MESSAGE_ID].message.status
    assert Status.SENT not in messages.rows[MESSAGE_ID].message.facts
    assert 1 == len(messages.inbound)

    assert {"recorded": 1, "repeated": 2} == _call(step, body), "Meta repeats it, and nothing is lost"


def test_one_failing_look_up_does_not_stop_the_others_either(
    step: ReceiveMeta, messages: FakeMessages, apps: FakeApps
) -> None:
    apps.fails("name_of_number", OSError("apps"))
    body = _body(_value(messages=[_text("wamid.1"), _text("wamid.2")]), _value(statuses=[_status("read")]))

    with pytest.raises(OSError, match="apps"):
        _call(step, body)
    assert (1, Status.READ) == (len(messages.inbound), messages.rows[MESSAGE_ID].message.status)


def test_a_failure_keeps_metas_reason(step: ReceiveMeta, messages: FakeMessages) -> None:
    errors = [{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp"}}]
    _call(step, _body(_value(statuses=[_status("failed", errors=errors)])))

    error = messages.rows[MESSAGE_ID].message.error
    assert error is not None
    assert ("131026", "Message undeliverable", "Not on WhatsApp") == (error.code, error.title, error.details)


@pytest.mark.parametrize(
    ("code", "minutes", "number", "kept"),
    [
        (131053, 10, NUMBER, None),
        (131053, 9, NUMBER, "media-1"),
        (131026, 10, NUMBER, "media-1"),
        (131053, 10, OTHER_NUMBER, "media-1"),
    ],
    ids=["an old id", "a new one", "another error", "another's callback"],
)
def test_a_message_that_failed_for_its_file_takes_the_files_id_away(
    step: ReceiveMeta, messages: FakeMessages, clock: FakeClock, code: int, minutes: int, number: str, kept: str | None
) -> None:
    messages.rows[MESSAGE_ID].message = outbound(media=MEDIA)
    step.numbers.media(NUMBER, MEDIA.key, lambda _: (MetaMedia("media-1", clock() - minutes * MINUTE), None))
    _call(step, _body(_value(number, statuses=[_status("failed", errors=[{"code": code}])])))

    assert kept == step.numbers.media(NUMBER, MEDIA.key, lambda file: (file, file.media_id))


@pytest.mark.parametrize("parts", [{}, {"biz_opaque_callback_data": None}], ids=["no file", "no echo"])
def test_there_may_be_no_file_to_doubt(step: ReceiveMeta, parts: dict[str, Any]) -> None:
    assert 1 == sum(
        _call(step, _body(_value(statuses=[_status("failed", errors=[{"code": 131053}]) | parts]))).values()
    )
