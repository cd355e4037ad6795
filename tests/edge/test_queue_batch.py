"""A batch of queue records: one that takes too long does not take the others with it."""

import threading
from types import SimpleNamespace
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch


class Visibility:
    def hide(self, receipt_handle: str, seconds: int) -> None:
        raise AssertionError("nothing is hidden")


def _event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": body, "body": body, "receiptHandle": body, "eventSource": "aws:sqs", "attributes": {}}
            for body in bodies
        ]
    }


def test_a_record_that_hangs_is_given_back_before_the_functions_time_is_up() -> None:
    over = threading.Event()

    def work(record: SQSRecord) -> Progress:
        if record.body == "hangs":
            over.wait(30)
        return "done"

    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 2_100)
    visibility: Any = Visibility()
    try:
        answer = work_on_batch(_event("one", "hangs", "two"), context, work, visibility, 1)
    finally:
        over.set()

    assert {"batchItemFailures": [{"itemIdentifier": "hangs"}]} == answer


def test_fifty_records_are_worked_on_at_once() -> None:
    meeting = threading.Barrier(50)

    def work(record: SQSRecord) -> Progress:
        meeting.wait(20)
        return "done"

    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)
    visibility: Any = Visibility()

    assert {"batchItemFailures": []} == work_on_batch(_event(*map(str, range(50))), context, work, visibility, 1)
