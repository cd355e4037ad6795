"""The form of `messages.received`: one for all kinds of a customer's message.

`type` names the kind, and the part of that name has what it says. What is not known is not there, but for `from`.
"""

from typing import Any, Literal, NotRequired, TypedDict

from hkreach.domain.event_models import ErrorData, Rfc3339

type Kind = Literal[
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button", "interactive", "order",
    "reaction", "system", "edit", "revoke", "request_welcome", "unsupported",
]  # fmt: skip


class TextPart(TypedDict):
    body: str


class FilePart(TypedDict, total=False):
    """A file: `mediaId` when it can be had with GET /api/external/media/content, or `error` if it never will."""

    mediaId: str
    mimeType: str
    size: int
    """Bytes."""
    sha256: str
    """In hex."""
    filename: str
    caption: str
    voice: bool
    """Audio: it was spoken into WhatsApp."""
    animated: bool
    """Sticker."""
    error: ErrorData


class LocationPart(TypedDict):
    latitude: float
    longitude: float
    name: NotRequired[str]
    address: NotRequired[str]
    url: NotRequired[str]


class ButtonPart(TypedDict, total=False):
    """A template's quick reply."""

    payload: str
    text: str


class Choice(TypedDict):
    id: str
    title: NotRequired[str]
    description: NotRequired[str]


class FlowReply(TypedDict, total=False):
    name: str
    """`flow` or `address_message`."""
    body: str
    response: Any
    """What was filled in, as its form names it."""


class CallPermissionReply(TypedDict, total=False):
    response: str
    isPermanent: bool
    expirationTimestamp: float
    responseSource: str


class InteractivePart(TypedDict):
    type: str
    """Which of the others is there."""
    buttonReply: NotRequired[Choice]
    listReply: NotRequired[Choice]
    nfmReply: NotRequired[FlowReply]
    callPermissionReply: NotRequired[CallPermissionReply]


class Product(TypedDict):
    productRetailerId: str
    quantity: NotRequired[float]
    itemPrice: NotRequired[float]
    currency: NotRequired[str]


class OrderPart(TypedDict, total=False):
    catalogId: str
    text: str
    productItems: list[Product]


class MessageReference(TypedDict):
    wamid: str
    """Meta's id of the message."""
    messageId: NotRequired[str]
    """Ours, if we know the message."""


class ReactionPart(MessageReference):
    emoji: str | None
    """Null: it was taken back."""


class EditPart(MessageReference):
    message: NotRequired[dict[str, Any]]
    """The message as it is now: `type`, and the part of that name. A file without `mediaId` and `error` is that of
    `messageId`: Meta named none."""


class SystemPart(TypedDict, total=False):
    """Something became of the customer's account."""

    type: str
    """`user_changed_number`, `customer_identity_changed`, `user_changed_user_id`."""
    body: str
    waId: str
    newWaId: str
    userId: str
    parentUserId: str
    previousUserId: str
    """What `userId` was until now."""
    previousParentUserId: str
    identity: str
    customer: str


class UnsupportedPart(TypedDict, total=False):
    type: str
    """What Meta calls it."""


class ReferredProduct(TypedDict, total=False):
    catalogId: str
    productRetailerId: str


_From = TypedDict("_From", {"from": str}, total=False)


class Context(_From, total=False):
    """What the message answers, or that it was forwarded. `from`: who wrote what it answers."""

    wamid: str
    messageId: str
    userId: str
    forwarded: bool
    frequentlyForwarded: bool
    referredProduct: ReferredProduct


class WelcomeMessage(TypedDict, total=False):
    text: str


class Referral(TypedDict, total=False):
    """The ad or post that the customer came from."""

    sourceUrl: str
    sourceId: str
    sourceType: str
    headline: str
    body: str
    mediaType: str
    imageUrl: str
    videoUrl: str
    thumbnailUrl: str
    ctwaClid: str
    welcomeMessage: WelcomeMessage


class MetaError(TypedDict):
    code: str
    title: str
    details: str


_FromCustomer = TypedDict("_FromCustomer", {"from": str | None})


class MessageReceivedData(_FromCustomer):
    """`messages.received`: a customer wrote. `from`: the phone number, digits only; null if Meta does not tell it."""

    messageId: str
    timestamp: Rfc3339
    type: Kind
    userId: NotRequired[str]
    """Meta's id of the customer for this business; it changes with the number."""
    parentUserId: NotRequired[str]
    """The same for linked businesses."""
    username: NotRequired[str]
    contactName: NotRequired[str]
    identityKeyHash: NotRequired[str]
    """Where identity checks are switched on at Meta: it changes when the number may have another owner."""
    context: NotRequired[Context]
    referral: NotRequired[Referral]
    groupId: NotRequired[str]
    errors: NotRequired[list[MetaError]]
    text: NotRequired[TextPart]
    image: NotRequired[FilePart]
    video: NotRequired[FilePart]
    audio: NotRequired[FilePart]
    document: NotRequired[FilePart]
    sticker: NotRequired[FilePart]
    location: NotRequired[LocationPart]
    contacts: NotRequired[list[dict[str, Any]]]
    """Cards: `name`, `phones`, `emails`, `addresses`, `urls`, `org`, `birthday`, `vcard`, `origin`."""
    button: NotRequired[ButtonPart]
    interactive: NotRequired[InteractivePart]
    order: NotRequired[OrderPart]
    reaction: NotRequired[ReactionPart]
    system: NotRequired[SystemPart]
    edit: NotRequired[EditPart]
    revoke: NotRequired[MessageReference]
    unsupported: NotRequired[UnsupportedPart]
