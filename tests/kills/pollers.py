"""What AWS, Meta and the integrator do around the functions: each event comes again until it was answered."""

import base64
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import batched
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests

from local.stack import Stack
from tests.kills.functions import Functions
from tests.template import ROOT

MOST_TRIES = 5


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text())
    return event


class Caller:
    """An integrator's program: repeats a request with its Idempotency-Key until there is an answer."""

    def __init__(self, stack: Stack, functions: Functions) -> None:
        self._stack = stack
        self._functions = functions

    def send(self, key: str, fields: dict[str, Any], file: bytes | None) -> str:
        """The id of the accepted message."""
        event = sample(f"accept_message/send_{'document' if file else 'template'}")
        if file:
            form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
            request = requests.Request("POST", "http://api", data=form, files={"file": ("invoice.pdf", file)}).prepare()
            assert isinstance(request.body, bytes)
            event["body"] = base64.b64encode(request.body).decode()
            content_type = request.headers["Content-Type"]
        else:
            event["body"], content_type = json.dumps(fields), "application/json"
        headers = self._stack.apps[0].headers | {"Idempotency-Key": key, "Content-Type": content_type}
        event |= {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
        for _ in range(MOST_TRIES):
            invocation = self._functions.invoke("accept_message", event)
            if not invocation.killed:
                assert 202 == invocation.answer["statusCode"], invocation.answer
                return str(json.loads(invocation.answer["body"])["messageId"])
        raise AssertionError("never answered")


class StreamPoller:
    """One reader of a table's stream; it goes on only when its batch was taken."""

    def __init__(
        self,
        stack: Stack,
        functions: Functions,
        step: str,
        new_outbound_only: bool = False,
        table: str = "MessagesTableName",
    ) -> None:
        self._client = stack.client("dynamodbstreams")
        self._functions, self._step, self._new_outbound_only = functions, step, new_outbound_only
        self._of_leads = table == "LeadsTableName"
        (stream,) = self._client.list_streams(TableName=stack.outputs[table])["Streams"]
        described = self._client.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
        (shard,) = described["Shards"]
        self._iterator = self._client.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def poll(self) -> int:
        """Pass on what is new; how many records that was."""
        answer = self._client.get_records(ShardIterator=self._iterator, Limit=100)
        records = [record for record in map(_plain, answer["Records"]) if self._is_wanted(record)]
        for _ in range(MOST_TRIES):
            if not records:
                break
            invocation = self._functions.invoke(self._step, {"Records": records})
            if not invocation.killed:
                assert {"batchItemFailures": []} == invocation.answer
                break
        else:
            raise AssertionError("never taken")
        self._iterator = answer["NextShardIterator"]
        return len(answer["Records"])

    def _is_wanted(self, record: dict[str, Any]) -> bool:
        """The template's filters."""
        if self._of_leads:
            return bool(record["eventName"] == "INSERT" and record["dynamodb"]["NewImage"].get("kind") == {"S": "move"})
        if not self._new_outbound_only:
            return record["eventName"] in {"INSERT", "MODIFY"}
        new = record["dynamodb"]["NewImage"] if record["eventName"] == "INSERT" else {}
        return new.get("direction") == {"S": "outbound"} or new.get("waitsFor") == {"S": "media:received"}


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(record, default=lambda value: value.timestamp()))
    return plain


class QueuePoller:
    """Lambda's reader of a queue: deletes what was done, and leaves the rest to its visibility."""

    def __init__(self, stack: Stack, functions: Functions, step: str, output: str) -> None:
        self._client, self._dynamodb = stack.client("sqs"), stack.client("dynamodb")
        self._numbers, self._number = stack.outputs["NumbersTableName"], stack.apps[0].phone_number_id
        self._deliveries, self._app_name = stack.outputs["DeliveriesTableName"], stack.apps[0].app_name
        self._functions, self._step, self.url = functions, step, stack.outputs[output]
        self.acknowledges_first = False
        """A planted bug: what is read is gone."""
        self.is_slow = False
        """Whether the endpoint is, whatever else is known of it."""

    def poll(self) -> int:
        """Pass on what is in sight, as one batch unless a kill is to hit one record of it; how many records."""
        answer = self._client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        found = answer.get("Messages", [])
        one_by_one = any(kill.step == self._step for kill in self._functions.armed)
        for batch in batched(found, 1 if one_by_one else 10, strict=False):
            self._calm()
            self._pass_on(batch)
        return len(found)

    def _calm(self) -> None:
        """A number and an endpoint of which nothing is known.

        So each invocation makes the calls that the one to be killed will make.
        """
        for pk in (f"number#{self._number}", "meta"):
            self._dynamodb.delete_item(TableName=self._numbers, Key={"pk": {"S": pk}})
        key = {"pk": {"S": f"{self._app_name}#we_operator"}, "sk": {"S": "state"}}
        slow = {"version": {"N": "1"}, "health": {"M": {"slow_until": {"N": str(10**14)}}}}
        with suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):  # somebody is to look after it
            condition = {"TableName": self._deliveries, "ConditionExpression": "attribute_not_exists(dueAt)"}
            if self.is_slow:
                self._dynamodb.put_item(Item=key | slow, **condition)
            else:
                self._dynamodb.delete_item(Key=key, **condition)

    def _pass_on(self, batch: Sequence[dict[str, Any]]) -> None:
        (common,) = sample("send_message/queued")["Records"]
        records = [
            common
            | {
                "messageId": record["MessageId"],
                "receiptHandle": record["ReceiptHandle"],
                "body": record["Body"],
                "attributes": record["Attributes"],
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{self.url.rsplit('/', 1)[-1]}",
            }
            for record in batch
        ]
        if self.acknowledges_first:
            self._delete(batch)
        answer = self._functions.invoke(self._step, {"Records": records}).answer
        if answer is not None and not self.acknowledges_first:
            again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            self._delete([record for record in batch if record["MessageId"] not in again])

    def _delete(self, records: Sequence[dict[str, Any]]) -> None:
        for record in records:
            self._client.delete_message(QueueUrl=self.url, ReceiptHandle=record["ReceiptHandle"])

    def depth(self) -> int:
        """How many records it holds, in sight or not."""
        names: Sequence[str] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        answer = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


class _FunctionUrl(BaseHTTPRequestHandler):
    """A request in, the function's event out, and back; a killed function is a 502, so that Meta calls again."""

    functions: ClassVar[Functions]
    is_held: ClassVar[threading.Event]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        self._answer(sample("receive_meta/handshake") | {"queryStringParameters": query})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(sample("receive_meta/status_delivered") | {"headers": headers, "body": body})

    def _answer(self, event: dict[str, Any]) -> None:
        answer = None if self.is_held.is_set() else self.functions.invoke("receive_meta", event).answer
        answer = answer or {"statusCode": 502, "body": ""}
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not on the screen."""


@contextmanager
def function_url(functions: Functions, is_held: threading.Event) -> Iterator[str]:
    """The address of `receive_meta`, for as long as the block lasts; it is down while `is_held` is set."""
    handler = type("FunctionUrl", (_FunctionUrl,), {"functions": functions, "is_held": is_held})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join(10)
