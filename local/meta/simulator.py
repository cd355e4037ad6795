"""The state of one simulated Meta, and who may use which of its numbers."""

from aiohttp import web

from local.meta.callbacks import CallbackSender
from local.meta.clock import Clock
from local.meta.graph_errors import GraphError, unknown_object
from local.meta.limits import Limits
from local.meta.media_store import MediaStore
from local.meta.records import Records
from local.meta.script import AnswerRule, Script, StatusRule
from local.meta.settings import Number, Settings, merge_configuration, read_settings
from local.typed_json import JsonObject


class Simulator:
    """Everything that one simulated Meta knows."""

    def __init__(self, configuration: JsonObject, clock: Clock) -> None:
        self.clock = clock
        self._first_configuration = configuration
        self._configuration = configuration
        self.settings: Settings = read_settings(configuration)
        self.records = Records(self.settings.record_limit)
        self.callbacks = CallbackSender(self.settings)
        self.media = MediaStore(self.settings)
        self.answers = Script[AnswerRule]()
        self.statuses = Script[StatusRule]()
        self.limits = Limits(clock)
        self._windows: dict[tuple[str, str], float] = {}

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
        self.limits.clear()
        self._windows.clear()
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
        self._windows[number.phone_number_id, customer] = self.clock() + self.settings.window_seconds

    def is_window_open(self, number: Number, customer: str) -> bool:
        """Whether free-form messages may be sent to a customer."""
        return self._windows.get((number.phone_number_id, customer), 0.0) > self.clock()

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
