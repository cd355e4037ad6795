"""Meta's callbacks: who is heard, and what becomes of what they say."""

import pytest

from tests.stack.world import World, eventually, number


def _status(world: World, message_id: str, **fields: object) -> dict[str, object]:
    status = {"id": "wamid.X", "status": "read", "timestamp": "1795338001", "biz_opaque_callback_data": message_id}
    return {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": world.app.waba_id,
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {"phone_number_id": world.app.phone_number_id},
                            "statuses": [status | fields],
                        },
                    }
                ],
            }
        ],
    }


def test_the_handshake_gives_the_challenge_to_who_knows_the_token(world: World) -> None:
    right = world.meta("POST", "handshake", json={"challenge": "1158201444"})
    assert (200, "1158201444", True) == (right["status"], right["body"], right["verified"])
    wrong = world.meta("POST", "handshake", json={"challenge": "1158201444", "verifyToken": "guessed"})
    assert 403 == wrong["status"]
    assert "1158201444" not in wrong["body"]


@pytest.mark.parametrize(
    "forgery",
    [
        {"signature": "omitted"},
        {"signature": "forged"},
        {"signature": "truncated"},
        {"body": "truncated"},
        {"body": "altered"},
    ],
)
def test_what_meta_did_not_sign_is_refused_and_changes_nothing(world: World, forgery: dict[str, str]) -> None:
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": ["sent"]})
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "sent")
    if forgery.get("body"):
        forgery = forgery | {"signature": "of_whole"}
    answer = world.meta("POST", "callbacks", json={"value": _status(world, message_id)} | forgery)
    assert 401 == answer["status"]
    assert "readAt" not in world.item(message_id)


def test_unknown_kinds_ids_and_numbers_are_taken_and_break_nothing(world: World) -> None:
    message_id = world.send_template(world.app, to=number())
    world.until_status(world.app, message_id, "read")
    before = world.item(message_id)
    for value in (
        _status(world, message_id, status="warning"),
        _status(world, message_id, timestamp="soon"),
        _status(world, "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        _status(world, "not one of ours"),
        {
            "object": "whatsapp_business_account",
            "entry": [None, {"changes": [{"field": "account_update", "value": 1}]}],
        },
        [],
    ):
        assert 200 == world.meta("POST", "callbacks", json={"value": value})["status"]
    assert 200 == world.meta("POST", "callbacks", json={"raw": "not json"})["status"]
    assert before == world.item(message_id)


def test_a_status_through_another_number_is_not_the_messages(world: World) -> None:
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": ["sent"]})
    message_id = world.send_template(world.other_app, to=to)
    world.until_status(world.other_app, message_id, "sent")
    assert 200 == world.meta("POST", "callbacks", json={"value": _status(world, message_id)})["status"]
    assert "readAt" not in world.item(message_id)


def test_a_customers_text_reaches_its_apps_webhook_once(world: World) -> None:
    sender, text = number(), "Wo ist meine Bestellung? ☕ </script>"
    inbound = {"phoneNumberId": world.other_app.phone_number_id, "from": sender, "text": text, "profileName": "Zoë"}
    message = world.meta("POST", "inbound", json=inbound)["message"]
    (webhook,) = eventually(
        lambda: [w for w in world.webhooks(event="messages.received") if w["body"]["data"]["from"] == sender], len
    )
    assert (world.other_app.app_name, True) == (webhook["appName"], webhook["verified"])
    data = webhook["body"]["data"]
    assert ("text", {"body": text}, "Zoë") == (data["type"], data["text"], data["contactName"])
    value = {
        "metadata": {"phone_number_id": world.other_app.phone_number_id},
        "contacts": [],
        "messages": [message],
    }
    again = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    assert 200 == world.meta("POST", "callbacks", json={"value": again})["status"]
    assert 1 == len([w for w in world.webhooks(event="messages.received") if w["body"]["data"]["from"] == sender])
