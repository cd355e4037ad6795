"""receive_meta: only what Meta signed, all of it, and one bad item or write never hides its neighbours."""

import json
from typing import Any

import pytest

from hkreach.domain.errors import Unauthorized
from hkreach.domain.inbound import MAX_EXCERPT
from hkreach.domain.message import MessageError, Status
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.signature import sign
from hkreach.domain.time import MINUTE
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import MEDIA, MESSAGE_ID, NUMBER, OTHER_ID, OTHER_NUMBER, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp
from tests.fakes.stores import FakeStatusQueue
from tests.usecases.meta_callbacks import SECRET, body_of, call, status_node, text_node, value_of


@pytest.mark.parametrize("secret", [SECRET, "secret-before"])
def test_what_was_signed_with_a_live_secret_is_recorded(
    receive: ReceiveMeta, messages: FakeMessages, secret: str
) -> None:
    assert {"recorded": 1} == call(receive, body_of(value_of(statuses=[status_node("delivered")])), secret)
    assert {Status.DELIVERED: 1_795_338_002_000}.items() <= messages.rows[MESSAGE_ID].message.facts.items()


BODY = body_of(value_of(statuses=[status_node("delivered")], messages=[text_node()]))
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
    receive: ReceiveMeta, messages: FakeMessages, body: bytes, signature: str
) -> None:
    with pytest.raises(Unauthorized):
        receive(body, signature)
    assert [] == messages.calls


def test_without_any_secret_nobody_is_believed(messages: FakeMessages, apps: FakeApps, clock: FakeClock) -> None:
    receive = ReceiveMeta(messages, apps, FakeMetaApp(), clock, FakeNumbers(), FakeInbound(messages), FakeStatusQueue())
    with pytest.raises(Unauthorized):
        receive(BODY, f"sha256={sign('', BODY)}")


def test_all_entries_changes_and_items_are_read(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound
) -> None:
    entries = json.loads(
        body_of(
            value_of(statuses=[status_node("sent"), status_node("read", OTHER_ID)]), value_of(messages=[text_node()])
        )
    )
    entries["entry"] += json.loads(
        body_of(value_of(statuses=[status_node("delivered")], messages=[text_node("wamid.2")]))
    )["entry"]

    assert {"recorded": 5} == call(receive, json.dumps(entries).encode())
    assert {Status.SENT, Status.DELIVERED} <= set(messages.rows[MESSAGE_ID].message.facts)
    assert (Status.READ, 2) == (messages.rows[OTHER_ID].message.status, len(inbound.received))


def test_what_is_not_ours_is_passed_over_and_what_is_not_readable_is_kept(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound
) -> None:
    statuses = [
        status_node("sent", biz_opaque_callback_data="3fa85f64-5717-4562-b3fc-000000000000"),
        status_node("deleted"),
        status_node("played"),
        {"status": "sent"},
        None,
        "junk",
        status_node("delivered"),
    ]
    texts = [text_node("wamid.poll", type="poll"), {"type": "text"}, 7, text_node("wamid.good")]
    body = body_of(
        value_of(statuses=statuses, messages=texts),
        value_of(OTHER_NUMBER, statuses=[status_node("read")], messages=[text_node()]),
        {"statuses": [status_node("read")]},
        {"metadata": None, "messages": [text_node()]},
        value_of(errors=[{"code": 130429}]),
    )

    assert {"unknown": 2, "passed over": 2, "recorded": 4, "kept": 8} == call(receive, body)
    assert Status.DELIVERED == messages.rows[MESSAGE_ID].message.status
    assert ["text", "unsupported"] == sorted(m.content["type"] for m in inbound.received.values())
    assert ["errors"] == [news.field for news in inbound.news.values()]
    assert 9 == len(inbound.kept), "a poll can be read in part, and is kept as well"
    assert {"unknown": 2, "passed over": 2, "repeated": 12} == call(receive, body)
    assert 9 == len(inbound.kept)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"{}", b'{"entry": {}}', b'{"entry": [7, {"changes": [8, {}]}]}', b"\xff\xfe",
     b"[" * 99_999],
    ids=["empty", "torn", "null", "list", "object", "no list", "junk in lists", "no text", "deep"],
)  # fmt: skip
def test_a_signed_body_of_any_other_form_is_taken_and_kept(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound, body: bytes
) -> None:
    assert {"kept"} == call(receive, body).keys()
    assert [] == messages.calls
    assert all(len(item.excerpt) <= MAX_EXCERPT and item.size for item in inbound.kept.values() if body)


def test_one_failing_write_does_not_stop_the_others_and_is_raised_at_the_end(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound
) -> None:
    messages.fails("record_status", OSError("first"))
    body = body_of(value_of(statuses=[status_node("sent"), status_node("delivered")], messages=[text_node()]))

    with pytest.raises(OSError, match="first"):
        call(receive, body)
    assert Status.DELIVERED == messages.rows[MESSAGE_ID].message.status
    assert Status.SENT not in messages.rows[MESSAGE_ID].message.facts
    assert 1 == len(inbound.received)

    assert {"recorded": 1, "repeated": 2} == call(receive, body), "Meta repeats it, and nothing is lost"


def test_one_failing_look_up_does_not_stop_the_others_either(
    receive: ReceiveMeta, messages: FakeMessages, apps: FakeApps, inbound: FakeInbound
) -> None:
    apps.fails("name_of_number", OSError("apps"))
    body = body_of(
        value_of(messages=[text_node("wamid.1"), text_node("wamid.2")]), value_of(statuses=[status_node("read")])
    )

    with pytest.raises(OSError, match="apps"):
        call(receive, body)
    assert (1, Status.READ) == (len(inbound.received), messages.rows[MESSAGE_ID].message.status)


def test_a_failure_keeps_metas_reason(receive: ReceiveMeta, messages: FakeMessages) -> None:
    errors = [{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp"}}]
    call(receive, body_of(value_of(statuses=[status_node("failed", errors=errors)])))

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
    receive: ReceiveMeta,
    messages: FakeMessages,
    clock: FakeClock,
    code: int,
    minutes: int,
    number: str,
    kept: str | None,
) -> None:
    messages.rows[MESSAGE_ID].message = outbound(media=MEDIA)
    receive.numbers.media(NUMBER, MEDIA.key, lambda _: (MetaMedia("media-1", clock() - minutes * MINUTE), None))
    call(receive, body_of(value_of(number, statuses=[status_node("failed", errors=[{"code": code}])])))

    assert kept == receive.numbers.media(NUMBER, MEDIA.key, lambda file: (file, file.media_id))


@pytest.mark.parametrize(("minutes", "is_lost"), [(10, True), (9, False)], ids=["an old id", "a new one"])
def test_a_message_whose_file_meta_forgot_can_be_sent_again_and_says_so(
    receive: ReceiveMeta, messages: FakeMessages, clock: FakeClock, minutes: int, is_lost: bool
) -> None:
    for message_id in (MESSAGE_ID, OTHER_ID):
        messages.rows[message_id].message = outbound(message_id, media=MEDIA)
    receive.numbers.media(NUMBER, MEDIA.key, lambda _: (MetaMedia("media-1", clock() - minutes * MINUTE), None))
    errors = [{"code": 131053, "title": "Media upload error", "error_data": {"details": "Media not found"}}]
    failed = [status_node("failed", message_id, errors=errors) for message_id in (MESSAGE_ID, OTHER_ID)]
    call(receive, body_of(value_of(statuses=failed)))

    told = "Meta no longer had the uploaded file; send the message again. Meta says: " if is_lost else ""
    expected = MessageError("131053", "Media upload error", f"{told}Media not found", retryable=is_lost)
    assert [expected] * 2 == [messages.rows[message_id].message.error for message_id in (MESSAGE_ID, OTHER_ID)]


@pytest.mark.parametrize("parts", [{}, {"biz_opaque_callback_data": None}], ids=["no file", "no echo"])
def test_there_may_be_no_file_to_doubt(receive: ReceiveMeta, parts: dict[str, Any]) -> None:
    assert 1 == sum(
        call(receive, body_of(value_of(statuses=[status_node("failed", errors=[{"code": 131053}]) | parts]))).values()
    )
