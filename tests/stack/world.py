"""The stack's surroundings: integrators, Meta and their servers, as a test needs them."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from local.commands import ROOT
from local.stack import App, Stack
from tests.event_forms import check_event

PATIENCE = 120.0
"""Seconds that a thing may take before it counts as not happening: the local AWS is slow, not wrong."""
_TIMEOUT = 90.0
GUIDE = {
    "to": "919999999999",
    "templateName": "order_confirmation",
    "languageCode": "en",
    "thirdPartyAppName": "MyStore_ERP",
    "bodyParams": ["John Doe", "ORD-12345"],
    "headerText": "Thank you for your order!",
}


def eventually[T](look: Callable[[], T], is_right: Callable[[T], object], seconds: float = PATIENCE) -> T:
    """What `look` gives as soon as it is right; the last of it is in the error if it never is."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if is_right(seen):
            return seen
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s; last seen: {seen!r}"[:2000]
        time.sleep(0.2)


def number() -> str:
    """A customer's number that no other test uses."""
    return f"9198{uuid.uuid4().int % 10**8:08d}"


class World:
    """A deployed stack from outside: everything goes over HTTP or AWS's own API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    @property
    def app(self) -> App:
        return self.stack.apps[0]

    @property
    def other_app(self) -> App:
        return self.stack.apps[1]

    def post(self, path: str, app: App | None = None, **content: Any) -> requests.Response:
        """The public API, as the app or as nobody; `headers` are added to the app's."""
        headers = (app.headers if app else {}) | content.pop("headers", {})
        return self.http.post(self.stack.api_url + path, headers=headers, timeout=_TIMEOUT, **content)

    def send_template(self, app: App, headers: Mapping[str, str] | None = None, **fields: Any) -> str:
        """The id of an accepted message: the guide's example with other fields."""
        answer = self.post("/api/external/send/template", app, json=GUIDE | fields, headers=dict(headers or {}))
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["messageId"])

    def send_document(self, app: App, content: bytes, filename: str, **fields: str) -> str:
        """The id of an accepted message with a file."""
        data = {"to": GUIDE["to"], "templateName": "invoice", "bodyParams": '["John Doe"]'} | fields
        answer = self.post("/api/external/send/document", app, data=data, files={"file": (filename, content)})
        assert 202 == answer.status_code, answer.text
        return str(answer.json()["messageId"])

    def status(self, app: App, message_id: str) -> dict[str, Any]:
        """What the public API says."""
        answer = self.http.get(
            f"{self.stack.api_url}/api/external/message/status",
            params={"messageId": message_id},
            headers=app.headers,
            timeout=_TIMEOUT,
        )
        return dict(answer.json())

    def timeline(self, app: App, message_id: str) -> dict[str, Any]:
        """Everything that the public API says of a message."""
        query = {"messageId": message_id}
        url = f"{self.stack.api_url}/api/external/message"
        return dict(self.http.get(url, params=query, headers=app.headers, timeout=_TIMEOUT).json())

    def let_come_due(self, message_id: str) -> None:
        """What waits in the table need not be waited for: its time is moved to now, and the waking done."""
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["MessagesTableName"],
            Key={"messageId": {"S": message_id}},
            UpdateExpression="SET dueAt = :now",
            ConditionExpression="attribute_exists(dueAt)",
            ExpressionAttributeValues={":now": {"N": str(time.time_ns() // 1_000_000)}},
        )
        name = self.stack.outputs["WakeDueFunctionName"]
        answer = self.stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def until_status(self, app: App, message_id: str, status: str) -> dict[str, Any]:
        """Wait for a status; returns the whole answer."""
        return eventually(lambda: self.status(app, message_id), lambda seen: seen.get("status") == status)

    def until_all_read(self, sent: Mapping[str, App], seconds: float) -> None:
        """Wait until many messages are `read`, looking one by one: the local AWS has work enough."""
        waiting = dict(sent)

        def look() -> dict[str, str]:
            for message_id, app in list(waiting.items()):
                status = self.status(app, message_id)["status"]
                if status != "read":
                    return {message_id: status}
                del waiting[message_id]
            return {}

        eventually(look, lambda seen: not seen, seconds)

    def meta(self, method: str, path: str, **content: Any) -> Any:
        """The simulated Meta's control API."""
        answer = self.http.request(method, f"{self.stack.graph_url}/_control/{path}", timeout=_TIMEOUT, **content)
        assert answer.ok, answer.text
        return answer.json()

    def meta_answers(self, *rules: Mapping[str, Any]) -> None:
        """Script Meta's answers."""
        self.meta("POST", "answers", json={"rules": list(rules)})

    def meta_statuses(self, *rules: Mapping[str, Any]) -> None:
        """Script the statuses that Meta calls back."""
        self.meta("POST", "statuses", json={"rules": list(rules)})

    def meta_requests(self, **query: str) -> list[dict[str, Any]]:
        """What Meta was asked."""
        return list(self.meta("GET", "requests", params=query)["requests"])

    def times_taken(self) -> dict[str, int]:
        """How often Meta really took each of our messages."""
        return dict(self.meta("GET", "deliveries"))

    def webhooks(self, **query: str) -> list[dict[str, Any]]:
        """What the inbox got; each has the form that its event's page promises."""
        answer = self.http.get(f"{self.stack.inbox_url}/_control/deliveries", params=query, timeout=_TIMEOUT)
        webhooks: list[dict[str, Any]] = answer.json()
        for webhook in webhooks:
            check_event(webhook["body"])
        return webhooks

    def inbox_answers(self, app: App, *answers: Mapping[str, Any]) -> None:
        """Script the inbox of one app."""
        script = {"appName": app.app_name, "answers": list(answers)}
        assert self.http.post(f"{self.stack.inbox_url}/_control/script", json=script, timeout=_TIMEOUT).ok

    def inbox_answers_for(self, message_id: str, *answers: Mapping[str, Any]) -> None:
        """Script the inbox for the webhooks of one message."""
        script = {"messageId": message_id, "answers": list(answers)}
        assert self.http.post(f"{self.stack.inbox_url}/_control/script", json=script, timeout=_TIMEOUT).ok

    def item(self, message_id: str) -> dict[str, Any]:
        """The message's item, as DynamoDB has it."""
        answer = self.stack.client("dynamodb").get_item(
            TableName=self.stack.outputs["MessagesTableName"], Key={"messageId": {"S": message_id}}, ConsistentRead=True
        )
        return dict(answer.get("Item", {}))

    def count_items(self) -> int:
        """How many messages there are."""
        dynamodb = self.stack.client("dynamodb")
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.outputs["MessagesTableName"], Select="COUNT", ConsistentRead=True
        )
        return sum(page["Count"] for page in pages)

    def count_files(self) -> int:
        """How many files there are."""
        pages = self.stack.client("s3").get_paginator("list_objects_v2")
        return sum(page["KeyCount"] for page in pages.paginate(Bucket=self.stack.outputs["MediaBucketName"]))

    def queue_depth(self, output: str) -> int:
        """How many records a queue holds, in sight or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.stack.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.outputs[output], AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def kill_workers(self, function: str) -> int:
        """Kill the processes that run a function of this very stack, as a crash would; returns how many."""
        killed = 0
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                command = (process / "cmdline").read_bytes().decode()
                if f"{ROOT}/.local/test-stack/" in command and f"-{function}-" in command:
                    os.kill(int(process.name), signal.SIGKILL)
                    killed += 1
        return killed

    def forget_scripts(self) -> None:
        """Meta and the inbox answer again as they usually do, and no number waits for that."""
        self.meta("DELETE", "answers")
        self.meta("DELETE", "statuses")
        for app in self.stack.apps:
            self.inbox_answers(app)
            self.stack.administer({"action": "resume_number", "appName": app.app_name})
