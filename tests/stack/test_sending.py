"""What Meta and the network can do to a send, caused."""

import hashlib

import pytest

from tests.stack.world import GUIDE, World, eventually, number

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40


def test_meta_gets_what_was_asked_for(world: World) -> None:
    to = number()
    message_id = world.send_template(world.app, to=f"+{to[:2]} ({to[2:7]}) {to[7:]}")
    world.until_status(world.app, message_id, "read")
    (request,) = world.meta_requests(bizOpaqueCallbackData=message_id)
    assert world.app.phone_number_id == request["phoneNumberId"]
    assert {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": f"+{to}",
        "type": "template",
        "template": {
            "name": GUIDE["templateName"],
            "language": {"code": "en"},
            "components": [
                {"type": "header", "parameters": [{"type": "text", "text": GUIDE["headerText"]}]},
                {
                    "type": "body",
                    "parameters": [{"type": "text", "text": "John Doe"}, {"type": "text", "text": "ORD-12345"}],
                },
            ],
        },
        "biz_opaque_callback_data": message_id,
    } == request["body"]


def test_a_file_arrives_byte_for_byte_under_the_name_the_customer_sees(world: World) -> None:
    to = number()
    content = PDF + to.encode()
    message_id = world.send_document(world.app, content, "x.bin", to=to, headerMediaFilename="Invoice März.pdf")
    world.until_status(world.app, message_id, "read")
    (request,) = world.meta_requests(bizOpaqueCallbackData=message_id)
    header = request["body"]["template"]["components"][0]["parameters"][0]
    (upload,) = [u for u in world.meta_requests(edge="media") if u["answer"]["mediaId"] == header["document"]["id"]]
    assert "Invoice März.pdf" == header["document"]["filename"]
    assert hashlib.sha256(content).hexdigest() == upload["media"]["sha256"]
    assert ("application/pdf", len(content)) == (upload["media"]["mimeType"], upload["media"]["size"])


def test_answers_that_say_not_now_are_tried_again(world: World) -> None:
    to = number()
    match = {"edge": "messages", "to": f"+{to}"}
    world.meta_answers(
        {"match": match, "times": 1, "answer": {"graphError": {"code": 131016, "status": 500}}},
        {"match": match, "times": 1, "answer": {"graphError": 130429}},
    )
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "read")
    requests = world.meta_requests(bizOpaqueCallbackData=message_id)
    assert [131016, 130429, None] == [request["answer"].get("code") for request in requests]
    assert 1 == world.times_taken()[message_id]
    attempts = world.item(message_id)["attempts"]["L"]
    assert ["131016", "130429"] == [attempt["M"]["code"]["S"] for attempt in attempts]


def test_an_upload_that_meta_drops_is_made_again(world: World) -> None:
    world.meta_answers({"match": {"edge": "media"}, "times": 1, "answer": {"fault": "reset_after"}})
    message_id = world.send_document(world.app, PDF + b"again", "x.pdf", to=number())
    world.until_status(world.app, message_id, "read")
    assert 1 == world.times_taken()[message_id]


def test_a_definite_error_fails_the_message_and_says_why(world: World) -> None:
    to = number()
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"graphError": 132001}})
    message_id = world.send_template(world.app, to=to)
    seen = world.until_status(world.app, message_id, "failed")
    assert "132001" == seen["error"]["code"]
    assert not seen["error"]["retryable"]
    (webhook,) = eventually(lambda: world.webhooks(messageId=message_id), len)
    assert ("failed", seen["error"]) == (webhook["body"]["data"]["status"], webhook["body"]["data"]["error"])


@pytest.mark.parametrize("fault", ["reset_after", "error_after"])
def test_an_answer_that_got_lost_is_not_sent_again_and_the_echo_settles_it(world: World, fault: str) -> None:
    to = number()
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"fault": fault}})
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "read")
    assert 1 == world.times_taken()[message_id]
    # The sender writes what it knows, whatever the callbacks told meanwhile, and acknowledges.
    eventually(lambda: world.item(message_id), lambda item: "claimedUntil" not in item or "readAt" in item)
    assert 1 == len(world.meta_requests(bizOpaqueCallbackData=message_id))


def test_an_answer_that_got_lost_without_any_callback_is_unknown(world: World) -> None:
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "statuses": []})
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"fault": "reset_after"}})
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "unknown")
    assert 1 == world.times_taken()[message_id]


def test_statuses_that_come_twice_late_and_out_of_order_change_nothing(world: World) -> None:
    to = number()
    statuses = ["read", "delivered", "read", "sent", "delivered", "sent"]
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": statuses})
    message_id = world.send_template(world.app, to=to)
    webhooks = eventually(
        lambda: world.webhooks(messageId=message_id), lambda seen: len({w["eventId"] for w in seen}) == 3
    )
    assert {"sent", "delivered", "read"} == {w["body"]["data"]["status"] for w in webhooks}
    assert "read" == world.status(world.app, message_id)["status"]


def test_statuses_in_one_callback_before_the_answer_and_without_echo(world: World) -> None:
    to = number()
    world.meta_statuses(
        {
            "match": {"to": f"+{to}"},
            "times": 1,
            "statuses": ["sent", "delivered"],
            "batch": "entries",
            "beforeAnswer": True,
        }
    )
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "delivered")
    world.meta_statuses({"match": {"to": f"+{to}9"}, "times": 1, "statuses": ["sent", "read"], "echo": False})
    without_echo = world.send_template(world.app, to=f"{to}9")
    world.until_status(world.app, without_echo, "read")


def test_a_repeated_request_with_its_key_is_one_message(world: World) -> None:
    to, key = number(), {"Idempotency-Key": f"order-{number()}"}
    first = world.send_template(world.app, headers=key, to=to)
    assert first == world.send_template(world.app, headers=key, to=to)
    assert first != world.send_template(world.other_app, headers=key, to=to)
    answer = world.post("/api/external/send/template", world.app, json=GUIDE, headers=key)
    assert (409, "idempotency_key_reused") == (answer.status_code, answer.json()["code"])
    world.until_status(world.app, first, "read")
    assert 1 == world.times_taken()[first]


def test_an_inbox_that_fails_twice_gets_the_same_event_again(world: World) -> None:
    world.inbox_answers(world.app, {"status": 503, "times": 2})
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": ["sent"]})
    message_id = world.send_template(world.app, to=to)
    webhooks = eventually(lambda: world.webhooks(messageId=message_id), lambda seen: len(seen) == 3)
    assert [503, 503, 200] == [w["answeredStatus"] for w in webhooks]
    assert 1 == len({w["raw"] for w in webhooks})
    assert all(w["verified"] for w in webhooks)


def test_an_account_that_meta_refuses_waits_says_so_and_goes_when_it_is_mended(world: World) -> None:
    to = number()
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"graphError": 190}})
    message_id = world.send_template(world.app, to=to)
    shown = eventually(
        lambda: world.timeline(world.app, message_id), lambda seen: "nextTryAt" in seen.get("waiting", {})
    )
    assert ("queued", "190") == (shown["status"], shown["attempts"][0]["code"])
    assert "the operator of this stack has to mend that" in shown["waiting"]["reason"]

    world.forget_scripts()
    world.let_come_due(message_id)
    world.until_status(world.app, message_id, "read")
    assert 1 == world.times_taken()[message_id]
    assert "dueAt" not in world.item(message_id)


def test_a_message_that_cannot_be_sent_in_time_expires_and_its_webhook_says_so(world: World) -> None:
    to = number()
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"graphError": 131016}})
    message_id = world.send_template(world.app, to=to, ttlSeconds=3)
    assert "expired" == world.until_status(world.app, message_id, "failed")["error"]["code"]
    (webhook,) = eventually(lambda: world.webhooks(messageId=message_id), len)
    assert ("failed", "expired") == (webhook["body"]["data"]["status"], webhook["body"]["data"]["error"]["code"])
    assert message_id not in world.times_taken()


def test_a_sender_that_is_killed_in_the_middle_of_a_call_sends_once_and_the_echo_tells(world: World) -> None:
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": ["sent"]})
    world.meta_answers({"match": {"to": f"+{to}"}, "answer": {"fault": "hang_after", "seconds": 20}})
    message_id = world.send_template(world.app, to=to)
    eventually(lambda: world.meta_requests(bizOpaqueCallbackData=message_id), len)
    assert world.kill_workers("SendMessageFunction"), "the sender was waiting for Meta's answer"

    world.until_status(world.app, message_id, "sent")
    assert "claimedUntil" in world.item(message_id), "nobody lived to write an outcome"
    assert 1 == world.times_taken()[message_id]
    another = world.send_template(world.app, to=number())
    world.until_status(world.app, another, "read")
    assert 1 == len(world.meta_requests(bizOpaqueCallbackData=message_id))
