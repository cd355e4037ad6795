"""A batch of queue records: worked on at once, each with a fate of its own."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.domain.backoff import LONGEST_IN_QUEUE, full_jitter
from hkreach.domain.progress import Progress

_MOST_THREADS = 50
_SECONDS_TO_ANSWER = 2
logger = Logger(service="hkreach", child=True)


class TryLater(Exception):
    """Tells the batch to leave a record in the queue."""


def is_of_queue(event: Mapping[str, Any]) -> bool:
    """Whether an event is a batch of a queue. A batch is of one source."""
    return any(record.get("eventSource") == "aws:sqs" for record in event.get("Records", ()))


def work_on_batch(
    event: dict[str, Any],
    context: LambdaContext,
    work: Callable[[SQSRecord], Progress],
    visibility: SQSVisibility,
    retry_base_seconds: float = 2,
) -> dict[str, Any]:
    """Work on all records at once; returns the partial batch answer that keeps those which are not done.

    A record whose work raises comes back when the queue's own visibility ends; after the queue's
    `maxReceiveCount` it is a dead letter. So does one whose work is not done shortly before the function's time is
    up: it must not take the others with it.
    """
    # Threads of this batch's own: one that a slow server holds is not missing in the next batch.
    # As many as there are records: the pool starts them as they are needed.
    threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="record")
    deadline = context.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_ANSWER

    def one(record: SQSRecord) -> None:
        try:
            progress = work(record)
        except Exception:
            # The batch would only count it: without this line a record could come to the dead letters unexplained.
            logger.exception("queue record failed", queue_message_id=record.message_id)
            raise
        if progress == "done":
            return
        tries = int(record.attributes.approximate_receive_count)
        wait = full_jitter(tries, retry_base_seconds) if progress == "later" else progress
        visibility.hide(record.receipt_handle, min(wait, LONGEST_IN_QUEUE))
        raise TryLater(f"again in {wait} s")

    async def concurrently(record: SQSRecord) -> None:
        work_of_one = asyncio.get_running_loop().run_in_executor(threads, one, record)
        await asyncio.wait_for(work_of_one, deadline)

    answer = async_process_partial_response(
        event,
        concurrently,
        AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
    threads.shutdown(wait=False)
    return dict(answer)
