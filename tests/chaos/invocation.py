"""One invocation of the sender with a batch of records: production's own `work_on_batch`, without its threads."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch
from tests.chaos.faults import Faults, Interposed, Killed, OutOfTime
from tests.chaos.inline import InlineExecutor
from tests.chaos.outside import Record, SimulatedQueue

TIMEOUT = 60_000
"""The function's, in milliseconds."""

type WorkOnBatch = Callable[..., dict[str, Any]]


class Invocation:
    """Implements what the batch needs to know of Lambda and of the queue. It dies as a whole."""

    def __init__(self, queue: SimulatedQueue, records: Sequence[Record], faults: Faults) -> None:
        self._queue, self._records, self._faults = queue, dict(enumerate(records)), faults
        self._is_dead = False

    def get_remaining_time_in_millis(self) -> int:
        """Enough for a call to Meta, most often."""
        return 20_000 if self._faults.happens("Lambda: little time left") else TIMEOUT

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Implements `SQSVisibility`."""
        self._queue.hide(self._records[int(receipt_handle)], self._queue.now() + seconds * 1000)

    def run(self, work: Callable[[str], Progress], work_on_all: WorkOnBatch = work_on_batch) -> None:
        """Work on all, and delete what the answer does not keep. Raises Killed, and then nothing is deleted."""

        def one(record: Any) -> Progress:
            if self._is_dead:
                raise Killed("with its invocation")
            try:
                return work(json.loads(record.body)["messageId"])
            except OutOfTime as left_behind:  # the batch goes on without it, and answers in time
                raise TimeoutError from left_behind
            except Killed:
                self._is_dead = True
                raise

        visibility = Interposed("visibility", self, self._faults)
        event = {"Records": [_sqs_record(place, record) for place, record in self._records.items()]}
        with patch("hkreach.edge.queue_batch.ThreadPoolExecutor", InlineExecutor):
            answer = work_on_all(event, self, one, visibility, 2)
        kept = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if 0 < len(kept) < len(self._records):
            self._faults.met["partial batch"] += 1
        for place, record in self._records.items():
            if str(place) not in kept:
                self._queue.acknowledge(record)


def _sqs_record(place: int, record: Record) -> dict[str, Any]:
    return {
        "messageId": str(place),
        "receiptHandle": str(place),
        "body": json.dumps({"messageId": record.body}),
        "attributes": {"ApproximateReceiveCount": str(record.receives)},
        "eventSource": "aws:sqs",
    }
