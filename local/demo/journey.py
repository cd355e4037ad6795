"""Follows one thing through the stack, and tells each step of it as soon as it is seen anywhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import requests

from local.loopback import SECONDS, call, open_session
from local.progress import Progress
from local.stack import App, Stack
from local.typed_json import JsonObject

LOOK_SECONDS = 0.15
STATUSES = ("sent", "delivered", "read")

type Sighting = tuple[str, str]
"""A step and what is worth telling of it."""


@dataclass
class Journey:
    """The steps that must be seen, in the order in which they are told of, and those that were."""

    name: str
    steps: Sequence[str]
    progress: Progress
    seen: set[str] = field(default_factory=set)

    def see(self, step: str, told: str = "") -> None:
        """Tell of a step the first time that it is seen."""
        if step in self.steps and step not in self.seen:
            self.seen.add(step)
            self.progress.seen(f"{self.name:<9} {step}{f'  {told}' if told else ''}")

    @property
    def missing(self) -> list[str]:
        """What was not seen yet."""
        return [step for step in self.steps if step not in self.seen]

    def watch(self, look: Callable[[], Iterator[Sighting]], seconds: float) -> None:
        """Look again and again until every step was seen or the time is up; then tell what is missing."""
        deadline = time.monotonic() + seconds
        while True:
            for step, told in look():
                self.see(step, told)
            if not self.missing or time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
        for step in self.missing:
            self.progress.missed(f"{self.name:<9} {step}  not seen within {seconds:.0f} s")


def message_steps(*more: str) -> tuple[str, ...]:
    """Return the steps of every message, with those that only some have at their place."""
    webhooks = tuple(f"webhook {status}, signature verified" for status in STATUSES)
    return ("answered 202", "queued", *more, "accepted by Meta", *STATUSES, *webhooks)


class MessageSightings:
    """Looks for one message everywhere: the public API, the simulated Meta, the inbox."""

    def __init__(self, stack: Stack, app: App, message_id: str) -> None:
        self._stack, self._app, self._message_id = stack, app, message_id
        self._session = open_session()

    def __call__(self) -> Iterator[Sighting]:
        """Yield what can be seen now. Steps that passed between two looks are known from Meta and the inbox."""
        yield from self._at_meta()
        yield from self._at_the_inbox()
        yield from self._at_the_api()

    def _at_meta(self) -> Iterator[Sighting]:
        asked = call("GET", f"{self._stack.graph_url}/_control/requests?bizOpaqueCallbackData={self._message_id}")
        for request in asked["requests"]:
            if wamid := request["answer"].get("wamid"):
                yield "accepted by Meta", f"as {wamid[:24]}…"

    def _at_the_inbox(self) -> Iterator[Sighting]:
        for webhook in webhooks(self._stack, self._app, messageId=self._message_id, event="messages.status"):
            status = webhook["body"]["data"]["status"]
            if webhook["verified"]:
                yield status, "says its webhook"
                yield f"webhook {status}, signature verified", f"event {webhook['eventId']}"

    def _at_the_api(self) -> Iterator[Sighting]:
        answer = self._session.get(
            f"{self._stack.api_url}/api/external/message/status",
            params={"messageId": self._message_id},
            headers=self._app.headers,
            timeout=SECONDS,
        )
        if answer.ok:
            status = answer.json()["status"]
            yield "accepted by Meta" if status == "accepted" else status, "says the status API"


def webhooks(stack: Stack, app: App, **filters: str) -> list[JsonObject]:
    """Return what the inbox got for the app."""
    query = "&".join(f"{name}={value}" for name, value in {"appName": app.app_name, **filters}.items())
    found: list[JsonObject] = call("GET", f"{stack.inbox_url}/_control/deliveries?{query}")
    return found


def post(stack: Stack, app: App, path: str, **content: object) -> requests.Response:
    """Call the public API as an integrator does."""
    with open_session() as session:
        return session.post(
            f"{stack.api_url}{path}",
            headers=app.headers,
            timeout=SECONDS,
            **content,  # type: ignore[arg-type]
        )
