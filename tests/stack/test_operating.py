"""What only an operator can do, on the deployed stack and with the role that the template gives."""

from typing import Any

from tests.stack.world import World, eventually, number


def _unknown(world: World) -> str:
    """A message that Meta took, and whose answer and callbacks never came."""
    to = number()
    world.meta_statuses({"match": {"to": f"+{to}"}, "times": 1, "statuses": []})
    world.meta_answers({"match": {"to": f"+{to}"}, "times": 1, "answer": {"fault": "reset_after"}})
    message_id = world.send_template(world.app, to=to)
    world.until_status(world.app, message_id, "unknown")
    return message_id


def _administer(world: World, action: str, **values: Any) -> dict[str, Any]:
    return dict(world.stack.administer({"action": action} | values))


def test_an_unknown_message_is_settled_as_failed(world: World) -> None:
    message_id = _unknown(world)
    _administer(world, "settle_unknown", appName=world.app.app_name, messageId=message_id, outcome="failed")

    assert "unknown_outcome" == world.until_status(world.app, message_id, "failed")["error"]["code"]
    (webhook,) = eventually(lambda: world.webhooks(messageId=message_id), len)
    assert "unknown_outcome" == webhook["body"]["data"]["error"]["code"]


def test_an_unknown_message_is_sent_again_by_order_and_by_nothing_else(world: World) -> None:
    message_id = _unknown(world)
    assert 1 == world.times_taken()[message_id]
    _administer(world, "settle_unknown", appName=world.app.app_name, messageId=message_id, outcome="resend")
    world.let_come_due(message_id)

    world.until_status(world.app, message_id, "read")
    assert 2 == world.times_taken()[message_id]


def test_recovery_and_redrive_may_be_called_at_any_time(world: World) -> None:
    recovered = _administer(world, "recover", olderThanSeconds=600)
    assert (0, False) == (recovered["putBack"], recovered["more"])
    for queue in ("send", "media", "webhooks", "leads", "statuses"):
        moved = _administer(world, "redrive", queue=queue)
        assert (0, 0, 0) == (moved["before"], moved["moved"], moved["after"])


def test_dead_letters_go_back_to_their_queue(world: World) -> None:
    message_id = world.send_template(world.app, to=number())
    world.until_status(world.app, message_id, "read")
    sqs, outputs = world.stack.client("sqs"), world.stack.outputs

    def depth() -> int:
        return world.queue_depth("SendNowQueueUrl") + world.queue_depth("SendDeadLetterQueueUrl")

    before = depth()  # the record of a sender that another test killed is in flight for six minutes
    sqs.send_message(QueueUrl=outputs["SendDeadLetterQueueUrl"], MessageBody=f'{{"messageId": "{message_id}"}}')

    assert 1 == _administer(world, "redrive", queue="send")["moved"]
    eventually(depth, lambda records: records <= before)
    assert 1 == world.times_taken()[message_id]
