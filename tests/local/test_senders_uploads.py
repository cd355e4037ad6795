"""The production sender's uploads at the simulated Meta, over HTTP: one for each number and file, however many send."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import Status
from hkreach.ports import Numbers
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from tests.aws import NUMBERS_TABLE, aws, imitated
from tests.builders import LIMITS, MEDIA, NOW, PDF, UPLOAD, WAITS, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeMediaStore, FakeSendQueue
from tests.local.running import CONFIGURATION, NUMBER, OTHER_NUMBER, OTHER_TOKEN, TOKEN, Meta

pytestmark = pytest.mark.loopback

SENDERS, MESSAGES = 10, 60
# Fewer than a number may send in a second: the clock of the senders stands still.


class House:
    """Senders' processes with one table of messages and files, against the simulated Meta."""

    def __init__(self, meta: Meta, numbers: Sequence[Numbers]) -> None:
        self._url, self._numbers = meta.url, numbers
        self.messages, self._secrets, self._media = FakeMessages(lambda: NOW), FakeSealedSecrets(), FakeMediaStore()
        self._media.files[MEDIA.key] = PDF
        self._apps = FakeApps(self._app("mystore", NUMBER, TOKEN), self._app("other", OTHER_NUMBER, OTHER_TOKEN))

    def _app(self, name: str, number: str, token: str) -> App:
        return app(name, meta=MetaAccount(number, "w", self._secrets.seal(name, "access_token", token)))

    def process(self, place: int) -> SendMessage:
        numbers, meta = self._numbers[place], RequestsMeta(session(), self._url, "v25.0", 20, 20)
        return SendMessage(
            self.messages,
            self._apps,
            self._secrets,
            UploadMedia(numbers, self._media, meta, lambda: NOW, UPLOAD),
            meta,
            lambda: NOW,
            WAITS,
            Admission(numbers, lambda: NOW, replace(LIMITS, patience=3_600_000)),
            lambda _: None,
            queue=FakeSendQueue(),
        )

    def add(self, name: str, to: int = 0, app_name: str = "mystore") -> None:
        number = NUMBER if app_name == "mystore" else OTHER_NUMBER
        self.messages.add(outbound(name, to=f"8526{to:07}", media=MEDIA, phone_number_id=number, app_name=app_name))

    def statuses(self) -> set[Status]:
        return {row.message.status for row in self.messages.rows.values()}


def _uploads(meta: Meta) -> Counter[str]:
    """By number."""
    return Counter(request["phoneNumberId"] for request in meta.control("requests?edge=media")["requests"])


def _send(process: SendMessage, names: list[str]) -> int:
    """Until all have gone; how often one came back."""
    came_back = 0
    while names:
        if process(names[0], lambda: 60_000, batch=len(names)) == "done":
            names.pop(0)
        else:
            came_back += 1
    return came_back


def test_one_file_from_ten_senders_at_once_is_one_upload(meta: Meta) -> None:
    house = House(meta, [FakeNumbers()] * SENDERS)
    meta.control("answers", {"rules": [{"match": {"edge": "media"}, "answer": {"delay": 0.3}}]})
    names = [f"{place}" for place in range(MESSAGES)]
    for place, name in enumerate(names):
        house.add(name, place)
    came_back = _at_once(house, names)

    assert {NUMBER: 1} == _uploads(meta)
    assert {Status.ACCEPTED} == house.statuses()
    assert SENDERS - 1 <= sum(1 for times in came_back if times), "all others found it claimed"
    assert MESSAGES == len(meta.control("requests?edge=messages")["requests"])


def _at_once(house: House, names: list[str]) -> list[int]:
    """All senders at once, each with its part; how often a message came back to each."""
    ready = threading.Barrier(SENDERS)

    def send(sender: int) -> int:
        process = house.process(sender)
        ready.wait(20)
        return _send(process, names[sender::SENDERS])

    with ThreadPoolExecutor(SENDERS) as threads:
        return list(threads.map(send, range(SENDERS)))


class _InTurn:
    """A client of which each call is one step, as it is on AWS: moto's own are not, for threads."""

    def __init__(self, client: Any) -> None:
        self._client, self._turn = client, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return found if name == "exceptions" else partial(self._call, found)

    def _call(self, call: Callable[..., Any], **arguments: Any) -> Any:
        with self._turn:
            return call(**arguments)


def test_a_thousand_messages_with_one_file_are_one_upload_for_each_number(meta: Meta) -> None:
    unpaced = [number | {"messagesPerSecond": None} for number in CONFIGURATION["numbers"]]
    meta.control("configuration", {"numbers": unpaced})
    names = [f"{place}" for place in range(1_000)]
    with imitated():
        client = _InTurn(aws("dynamodb"))
        house = House(meta, [DynamoDBNumbers(client, NUMBERS_TABLE) for _ in range(SENDERS)])
        for place, name in enumerate(names):
            house.add(name, place, "mystore" if place // SENDERS % 2 else "other")
        _at_once(house, names)

    assert {NUMBER: 1, OTHER_NUMBER: 1} == _uploads(meta)
    assert {Status.ACCEPTED} == house.statuses()
    assert [1] * len(names) == list(meta.control("deliveries").values())


@pytest.fixture
def tables() -> Iterator[Sequence[Numbers]]:
    with imitated():
        yield [DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE) for _ in range(2)]


def test_the_real_table_carries_the_id_from_one_process_to_the_other(meta: Meta, tables: Sequence[Numbers]) -> None:
    house = House(meta, tables)
    for place in range(2):
        house.add(f"{place}", place)
        assert "done" == house.process(place)(f"{place}", lambda: 60_000)

    assert {NUMBER: 1} == _uploads(meta)
    ids = {node["body"]["template"]["components"][0]["parameters"][0]["document"]["id"] for node in _sent(meta)}
    assert 1 == len(ids)


def _sent(meta: Meta) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = meta.control("requests?edge=messages")["requests"]
    return requests


def test_what_meta_forgot_is_uploaded_again(meta: Meta) -> None:
    house = House(meta, [FakeNumbers()])
    for place in range(3):
        house.add(f"{place}", place)
    process = house.process(0)
    _send(process, ["0"])
    meta.control("answers", {"rules": [{"match": {"edge": "messages"}, "times": 1, "answer": {"graphError": 131053}}]})

    assert 1 == _send(process, ["1"])
    assert 0 == _send(process, ["2"])
    assert {NUMBER: 2} == _uploads(meta)
    assert {Status.ACCEPTED} == house.statuses()
