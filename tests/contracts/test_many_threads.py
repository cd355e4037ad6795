"""What the adapters do when a whole batch, fifty threads, comes at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from hkreach.adapters.aws import client
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.remembered import Remembered
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from tests.aws import ENVIRONMENT, environment
from tests.builders import MESSAGE_ID, NOW, NUMBER
from tests.contracts.server import Server, serving

THREADS = 50


class CountedAws:
    """Answers slowly enough that a second thread would ask too, if it could."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._second = threading.Barrier(2)

    def _answer(self, call: str, answer: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(call)
        with suppress(threading.BrokenBarrierError):
            self._second.wait(0.2)
        return answer

    def get_item(self, **_: Any) -> dict[str, Any]:
        number = {"N": "1"}
        item = {"appName": {"S": "mystore"}, "languageCode": {"S": "en"}, "createdAt": number, "version": number}
        return self._answer("get_item", {"Item": item | {"keys": {"M": {}}}})

    def decrypt(self, **_: Any) -> dict[str, Any]:
        return self._answer("decrypt", {"Plaintext": b"EAAtoken"})

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return self._answer("get_parameter", {"Parameter": {"Value": "verify"}})


def _verify_token(meta_app: SSMMetaApp, _: str) -> str | None:
    return meta_app.verify_token()


@pytest.mark.parametrize(
    ("call", "read"),
    [
        ("get_item", lambda aws: DynamoDBApps(aws, "apps", 60).get),
        ("decrypt", lambda aws: partial(KMSSecrets(aws).open, purpose="access_token", ciphertext=b"sealed")),
        ("get_parameter", lambda aws: partial(_verify_token, SSMMetaApp(aws, "/meta"))),
    ],
)
def test_what_all_need_at_once_is_read_once(call: str, read: Callable[[Any], Callable[[str], object]]) -> None:
    aws = CountedAws()
    ready = threading.Barrier(THREADS)
    reading = read(aws)

    def one(_: int) -> object:
        ready.wait(20)
        return reading("mystore")

    with ThreadPoolExecutor(THREADS) as threads:
        got = list(threads.map(one, range(THREADS)))

    assert [call] == aws.calls
    assert got[0] is not None
    assert [got[0]] * THREADS == got


def test_who_fails_to_load_fails_alone() -> None:
    """Or one throttled read would send the whole batch back."""
    remembered: Remembered[str, int] = Remembered(10, 60)
    got: list[int] = []
    other = threading.Thread(target=lambda: got.append(remembered.get_or_load("a", lambda: 7)))

    def fail() -> int:
        other.start()
        other.join(0.2)  # it waits for us
        raise RuntimeError("throttled")

    with pytest.raises(RuntimeError, match="throttled"):
        remembered.get_or_load("a", fail)
    other.join(20)

    assert [7] == got
    assert 7 == remembered.get("a")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _send(server: Server) -> Callable[[], object]:
    meta = RequestsMeta(session(), server.url, "v25.0", 20, 20)
    return lambda: meta.send(NUMBER, "EAAtoken", {})


def _read(server: Server) -> Callable[[], object]:
    with environment(ENVIRONMENT | {"AWS_ENDPOINT_URL": server.url}):
        messages = DynamoDBMessages(client("dynamodb"), "messages", lambda: NOW)
    return lambda: messages.get(MESSAGE_ID)


@pytest.mark.loopback
@pytest.mark.parametrize("calling", [_send, _read])
def test_fifty_connections_are_opened_once_and_kept(
    server: Server, calling: Callable[[Server], Callable[[], object]]
) -> None:
    server.together = threading.Barrier(THREADS)
    call = calling(server)
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(3):
            for started in [threads.submit(call) for _ in range(THREADS)]:
                started.result(30)

    assert 3 * THREADS == len(server.requests)
    assert THREADS == len(server.connections)
