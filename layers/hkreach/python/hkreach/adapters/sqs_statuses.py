"""The status queue: statuses that came before their message could be found by Meta's id."""

import json
from typing import Any

from hkreach.adapters.sqs_batches import Record, put_records
from hkreach.domain.early_status import FIRST_LOOK, EarlyStatus
from hkreach.domain.message import MessageError, Status, StatusCallback


class SQSStatusQueue:
    """Implements the port `StatusQueue`."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, early: EarlyStatus) -> bool:
        """See the port."""
        about = {"status": early.status.status.value}
        record = Record(early_body(early), early.app_name, about, FIRST_LOOK)
        return not put_records(self._client, self._queue_url, [record])


def early_body(early: EarlyStatus) -> str:
    """A record's body."""
    status, error = early.status, early.status.error
    return json.dumps(
        {
            "status": status.status.value,
            "at": status.at,
            "wamid": status.wamid,
            "phoneNumberId": status.phone_number_id,
            "appName": early.app_name,
            "since": early.since,
        }
        | ({"error": error.as_dict()} if error else {})
    )


def read_early(body: str) -> EarlyStatus:
    """What a record's body holds."""
    values = json.loads(body)
    error = values.get("error")
    status = StatusCallback(
        Status(values["status"]),
        values["at"],
        values["wamid"],
        values["phoneNumberId"],
        error=MessageError(**error) if error else None,
    )
    return EarlyStatus(status, values["appName"], values["since"])
