"""The form of each event, promised to whoever receives one: docs/events/ is made from these and from `received_models`.

A name that is always there may be null where its type says so; a `NotRequired` one is there only if there is
something to tell. New names may come at any time, so a receiver must not stumble over one; none goes away or changes
its meaning.
"""

from typing import Any, Literal, NotRequired, TypedDict

type Rfc3339 = str
"""A moment in UTC, RFC 3339."""
type StatusName = Literal["queued", "unknown", "accepted", "sent", "failed", "delivered", "read"]


class Envelope(TypedDict):
    """The body of a webhook, and the `detail` on the bus."""

    id: str
    """The same however often the event comes: do nothing for one that you have seen."""
    event: str
    """Its name; on the bus also the `detail-type`."""
    createdAt: Rfc3339
    """When it became true, which can be before it is told."""
    appName: str | None
    """Whose it is. Null only with `meta.*`, where it cannot be told."""
    data: dict[str, Any]
    """One of the models below, by the event's name."""


class ErrorData(TypedDict):
    """Why something failed."""

    code: str
    """Meta's number as text, or a word of ours."""
    title: str
    details: str
    retryable: bool
    """Whether the same request, made again, may succeed."""


class MessageStatusData(TypedDict):
    """`messages.status`: a fact of a message that the app sent."""

    messageId: str
    status: StatusName
    rank: int
    """Of two events of a message keep the one with the higher rank: sent 1, failed 2, delivered 3, read 4, else 0."""
    to: str
    """The customer's phone number, digits only."""
    timestamp: Rfc3339
    thirdPartyAppName: NotRequired[str]
    """As the request said."""
    error: NotRequired[ErrorData]
    """With `failed`."""


_FromStage = TypedDict("_FromStage", {"from": str | None})  # no name of a class can be `from`


class LeadStatusData(_FromStage):
    """`leads.status`: a lead came `from` one stage `to` another; from null: it was made."""

    leadId: str
    phone: str | None
    """Digits only; null if Meta does not tell it: then there is a `userId`."""
    name: str | None
    to: str
    movedAt: Rfc3339
    movedBy: str
    """Who did it, as the request said; `customer`: a message made the lead."""
    rank: int
    """The move's number: of two events of a lead keep the one with the higher rank."""
    userId: NotRequired[str]
    """Meta's business-scoped id of the customer."""
    joinedInto: NotRequired[str]
    """The last that is told of this lead, and no change of stage: it is the same customer as that one."""


class WebhookTestData(TypedDict):
    """`webhooks.test`: what a new address must take before it gets other events."""

    endpointId: str


class WebhookWarningData(TypedDict):
    """`webhooks.warning`: an endpoint keeps failing, or gets nothing any more. The app's other endpoints are told."""

    endpointId: str
    state: Literal["failing", "disabled"]
    level: int
    """How much of its patience is used up, in percent: 50, 70, 90, 100."""
    failingSince: Rfc3339
    timestamp: Rfc3339
    disablesAt: NotRequired[Rfc3339]
    """When it will get nothing any more, unless it takes an event until then. With `failing`."""
    reason: NotRequired[str]
    """Why it gets nothing any more. With `disabled`."""


class MetaNewsData(TypedDict):
    """`meta.<field>`: what Meta tells of an account, a template, a number or the stack's app. No webhook carries it."""

    field: str
    """Meta's name of the field, or `errors` for an error of the account."""
    wabaId: str | None
    phoneNumberId: str | None
    timestamp: Rfc3339
    value: Any
    """As Meta sent it; its form is Meta's."""
