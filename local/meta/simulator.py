"""The state of one simulated Meta, and who may use which of its numbers."""

import time
from collections import deque

from aiohttp import web

from local.meta.callbacks import CallbackSender
from local.meta.graph_errors import GraphError, unknown_object
from local.meta.media_store import MediaStore
from local.meta.records import Records
from local.meta.script import AnswerRule, Script, StatusRule
from local.meta.settings import Number, Settings, merge_configuration, read_settings
from local.typed_json import JsonObject


class Simulator:
    """Everything that one simulated Meta knows."""

    def __init__(self, configuration: JsonObject) -> None:
        self._first_configuration = configuration
        self._configuration = configuration
        self.settings: Settings = read_settings(configuration)
        self.records = Records(self.settings.record_limit)
        self.callbacks = CallbackSender(self.settings)
        self.media = MediaStore(self.settings)
        self.answers = Script[AnswerRule]()
        self.statuses = Script[StatusRule]()
        self._windows: dict[tuple[str, str], float] = {}
        self._recent: dict[str, deque[float]] = {}

    def configure(self, change: object) -> None:
        """Merge a change into the configuration, or raise a JsonError and change nothing."""
        self._use(merge_configuration(self._configuration, change))

    async def reset(self, *, configuration: bool) -> None:
        """Forget all but the configuration; that too, if asked, returns to what it was at the start."""
        await self.callbacks.stop()
        self.callbacks.sent.clear()
        self.records.clear()
        self.media.clear()
        self.answers.clear()
        self.statuses.clear()
        self._windows.clear()
        self._recent.clear()
        if configuration:
            self._use(self._first_configuration)

    def number(self, phone_number_id: str) -> Number | None:
        """Return a configured number."""
        return next((one for one in self.settings.numbers if one.phone_number_id == phone_number_id), None)

    def numbers_of(self, token: str) -> list[Number]:
        """Return the numbers that a bearer token may use, or refuse the token."""
        numbers = [number for number in self.settings.numbers if number.access_token == token]
        if not numbers:
            raise GraphError(
                190,
                message="Error validating access token: The access token could not be decrypted",
                subcode=467,
            )
        return numbers

    def authorized_number(self, request: web.Request) -> Number:
        """Return the number in a request's path if its token may use it, or raise what Meta answers."""
        phone_number_id = request.match_info["node_id"]
        for number in self.numbers_of(self.checked_token(request)):
            if number.phone_number_id == phone_number_id:
                return number
        raise unknown_object(request.method, phone_number_id)

    def checked_token(self, request: web.Request) -> str:
        """Return a request's bearer token, after its version has proved to exist."""
        if request.match_info["version"] not in self.settings.versions:
            raise unknown_path(request)
        return bearer_token(request)

    def open_window(self, number: Number, customer: str) -> None:
        """Note that a customer (digits or a BSUID) has just written and may be sent free-form messages."""
        self._windows[number.phone_number_id, customer] = time.monotonic() + self.settings.window_seconds

    def is_window_open(self, number: Number, customer: str) -> bool:
        """Whether free-form messages may be sent to a customer."""
        return self._windows.get((number.phone_number_id, customer), 0.0) > time.monotonic()

    def spend_throughput(self, number: Number) -> None:
        """Count a message against its number's rate, or refuse it."""
        if number.messages_per_second is None:
            return
        now = time.monotonic()
        recent = self._recent.setdefault(number.phone_number_id, deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= number.messages_per_second:
            raise GraphError(130429, "Cloud API message throughput has been reached.")
        recent.append(now)

    def _use(self, configuration: JsonObject) -> None:
        self.settings = self.callbacks.settings = self.media.settings = read_settings(configuration)
        self._configuration = configuration


def bearer_token(request: web.Request) -> str:
    """Return a request's bearer token, or refuse a request without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphError(104, message="An access token is required to request this resource.")
    return token


def unknown_path(request: web.Request) -> GraphError:
    """Return Meta's answer for a path that is none of its own."""
    return GraphError(2500, message=f"Unknown path components: {request.path}")


SIMULATOR = web.AppKey("simulator", Simulator)
