"""Dead letters: records that a queue gave up on, and their way back to it."""

from typing import Any

from aws_lambda_powertools import Logger

from hkreach.adapters.sqs_batches import BATCH

logger = Logger(service="hkreach", child=True)

_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class SQSDeadLetters:
    """Implements the port `DeadLetters`.

    Not SQS's own message move task: that goes on after the operator has an answer, and the local AWS has none.
    """

    def __init__(self, client: Any, dead_letter_queue_url: str, queue_url: str) -> None:
        self._client = client
        self._dead_letter_queue_url = dead_letter_queue_url
        self._queue_url = queue_url

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
        entries = [_entry(number, letter) for number, letter in enumerate(letters)]
        sent = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        for failure in sent.get("Failed", []):
            logger.error("queue refused a dead letter", code=failure.get("Code"))
        taken = [int(success["Id"]) for success in sent.get("Successful", [])]
        deletions = [{"Id": str(number), "ReceiptHandle": letters[number]["ReceiptHandle"]} for number in taken]
        if deletions:
            deleted = self._client.delete_message_batch(QueueUrl=self._dead_letter_queue_url, Entries=deletions)
            if deleted.get("Failed"):
                logger.error("dead letters were moved and not deleted", left=len(deleted["Failed"]))
        return len(letters), len(taken)


def _entry(number: int, letter: dict[str, Any]) -> dict[str, str]:
    group = letter.get("Attributes", {}).get("MessageGroupId")
    return {"Id": str(number), "MessageBody": letter["Body"]} | ({"MessageGroupId": group} if group else {})
