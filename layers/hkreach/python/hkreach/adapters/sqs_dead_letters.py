"""Dead letters: records that a queue gave up on, and their way back to it."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.adapters.sqs_batches import BATCH
from hkreach.domain.message import Lane, lane_of
from hkreach.ports import Messages

logger = Logger(service="hkreach", child=True)

_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class SQSDeadLetters:
    """Implements the port `DeadLetters`.

    Not SQS's own message move task: that goes on after the operator has an answer, and the local AWS has none.
    """

    def __init__(self, client: Any, dead_letter_queue_url: str, queue: str | Callable[[str], str]) -> None:
        """`queue`: the URL of theirs, or what tells it by a letter's body."""
        self._client = client
        self._dead_letter_queue_url = dead_letter_queue_url
        self._queue = queue

    def count(self) -> int:
        """See the port."""
        answer = self._client.get_queue_attributes(QueueUrl=self._dead_letter_queue_url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"].get(name, 0)) for name in _COUNTS)

    def move(self) -> tuple[int, int]:
        """See the port. The group goes with the letter: it keeps one app's backlog from delaying another's."""
        answer = self._client.receive_message(
            QueueUrl=self._dead_letter_queue_url,
            MaxNumberOfMessages=BATCH,
            MessageSystemAttributeNames=["MessageGroupId"],
            WaitTimeSeconds=1,  # a short poll asks only some of SQS's servers, and may say none where there are some
        )
        letters = answer.get("Messages", [])
        if not letters:
            return 0, 0
        entries: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        for number, letter in enumerate(letters):
            entries[self._queue_of(letter["Body"])].append(_entry(number, letter))
        taken = [number for queue_url, some in entries.items() for number in self._send(queue_url, some)]
        deletions = [{"Id": str(number), "ReceiptHandle": letters[number]["ReceiptHandle"]} for number in taken]
        if deletions:
            deleted = self._client.delete_message_batch(QueueUrl=self._dead_letter_queue_url, Entries=deletions)
            if deleted.get("Failed"):
                logger.error("dead letters were moved and not deleted", left=len(deleted["Failed"]))
        return len(letters), len(taken)

    def _queue_of(self, body: str) -> str:
        return self._queue if isinstance(self._queue, str) else self._queue(body)

    def _send(self, queue_url: str, entries: list[dict[str, str]]) -> list[int]:
        sent = self._client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for failure in sent.get("Failed", []):
            logger.error("queue refused a dead letter", code=failure.get("Code"))
        return [int(success["Id"]) for success in sent.get("Successful", [])]


def lane_of_letter(messages: Messages, queue_urls: Mapping[Lane, str]) -> Callable[[str], str]:
    """What tells the queue of the senders' lane that a letter's message goes by: both lanes have the same dead letters.

    Of a message that is gone any will do.
    """

    def queue_of(body: str) -> str:
        message_id = json.loads(body).get("messageId")
        message = messages.get(message_id) if message_id else None
        return queue_urls[lane_of(message.purpose) if message else "now"]

    return queue_of


def _entry(number: int, letter: dict[str, Any]) -> dict[str, str]:
    group = letter.get("Attributes", {}).get("MessageGroupId")
    return {"Id": str(number), "MessageBody": letter["Body"]} | ({"MessageGroupId": group} if group else {})
