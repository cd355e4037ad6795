"""The shape of a template message, as Meta checks it before it looks at the template itself."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local.meta.graph_errors import GraphError
from local.meta.media_rules import MediaReference, read_media
from local.meta.params import Params

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Za-z0-9]{2,8})*")
_FORBIDDEN_SPACE = re.compile(r"[\n\r\t]| {5}")
_HEADER_KINDS = ("text", "image", "video", "document", "location", "product")
_BODY_KINDS = ("text", "currency", "date_time")
_BUTTON_PARAMETERS = {
    "url": "text",
    "quick_reply": "payload",
    "copy_code": "coupon_code",
    "flow": "action",
    "catalog": "action",
    "mpm": "action",
}
_COPY_CODE_LENGTH = 20  # Meta's pages say 15 in one place and 20 in another
_EARLIEST_MILLISECONDS = 10**12  # below this an expiration time must be in seconds
_CARD_COMPONENTS = ("header", "body", "button")


@dataclass(frozen=True, order=True)
class Button:
    """A button component as sent."""

    index: int
    sub_type: str


@dataclass
class Components:
    """What the components of a template, or of one card of a carousel, hold."""

    header_kind: str | None = None
    header_name: str | None = None
    body_names: list[str | None] = field(default_factory=list)
    """For each parameter of the body its name, or None where it is positional."""
    buttons: list[Button] = field(default_factory=list)
    media: list[MediaReference] = field(default_factory=list)
    cards: list["Components"] = field(default_factory=list)

    def shape(self) -> tuple[object, ...]:
        """Return what all cards of a carousel must have in common."""
        return self.header_kind, len(self.body_names), sorted(self.buttons)


@dataclass(frozen=True)
class SentTemplate:
    """A template message of good shape, ready to be compared with a registered template."""

    name: str
    language: str
    components: Components


def read_template(params: Params) -> SentTemplate:
    """Return what a template message says, or raise the Graph error that Meta would answer."""
    params.allow_only("name", "language", "components")
    name = params.text("name")
    language = params.child("language")
    language.allow_only("code", "policy")
    code = language.text("code")
    if "policy" in language:
        language.choice("policy", ("deterministic",))
    if not _NAME.fullmatch(name) or not _LANGUAGE.fullmatch(code):
        raise GraphError(132001, f"template name ({name[:80]}) does not exist in {code[:20]}")
    listed = params.children("components") if "components" in params else []
    return SentTemplate(name, code, _read_components(listed, tuple(_READERS)))


def _read_components(listed: Sequence[Params], allowed: Sequence[str]) -> Components:
    into = Components()
    seen: set[object] = set()
    for component in listed:
        kind = component.choice("type", allowed)
        identity = (kind, component.index("index")) if kind == "button" else kind
        if identity in seen:
            raise GraphError(100, f"Param {component.path('type')}: there is more than one such component.")
        seen.add(identity)
        _READERS[kind](component, into)
    return into


def _read_header(component: Params, into: Components) -> None:
    component.allow_only("type", "parameters")
    for parameter in component.children("parameters", at_most=1):
        kind = parameter.choice("type", _HEADER_KINDS, code=132012)
        into.header_kind = kind
        into.header_name = parameter.optional_text("parameter_name")
        parameter.allow_only("type", kind, *(("parameter_name",) if kind == "text" else ()))
        if kind == "text":
            _read_template_text(parameter)
        elif kind == "location":
            read_location(parameter.child(kind))
        elif kind == "product":
            product = parameter.child(kind)
            product.allow_only("product_retailer_id", "catalog_id")
            product.text("product_retailer_id")
        else:
            extra = ("filename",) if kind == "document" else ()
            into.media += read_media(parameter.child(kind), kind, *extra)


def _read_body(component: Params, into: Components) -> None:
    component.allow_only("type", "parameters")
    for parameter in component.children("parameters"):
        kind = parameter.choice("type", _BODY_KINDS, code=132012)
        parameter.allow_only("type", kind, "parameter_name")
        if kind == "text":
            _read_template_text(parameter)
        else:
            fields = ("fallback_value", "code", "amount_1000") if kind == "currency" else ("fallback_value",)
            value = parameter.child(kind)
            value.allow_only(*fields)
            value.text("fallback_value")
            if kind == "currency":
                value.text("code")
                value.whole("amount_1000")
        into.body_names.append(parameter.optional_text("parameter_name"))
    names = [name for name in into.body_names if name is not None]
    if names and len(names) != len(into.body_names):
        raise GraphError(132000, "body: positional and named parameters cannot be mixed")
    if len(names) != len(set(names)):
        raise GraphError(132000, "body: a named parameter is given more than once")


def _read_button(component: Params, into: Components) -> None:
    component.allow_only("type", "sub_type", "index", "parameters")
    sub_type = component.choice("sub_type", tuple(_BUTTON_PARAMETERS))
    wanted = _BUTTON_PARAMETERS[sub_type]
    needed = 0 if sub_type == "catalog" else 1
    if needed or "parameters" in component:
        for parameter in component.children("parameters", at_least=needed, at_most=1):
            parameter.choice("type", (wanted,), code=132012)
            parameter.allow_only("type", wanted)
            if wanted == "text":
                _read_template_text(parameter)
            elif wanted == "action":
                _read_button_action(parameter.child("action"), sub_type)
            else:
                parameter.text(wanted, at_most=_COPY_CODE_LENGTH if wanted == "coupon_code" else None)
    into.buttons.append(Button(component.index("index"), sub_type))


def _read_button_action(action: Params, sub_type: str) -> None:
    if sub_type == "flow":
        action.allow_only("flow_token", "flow_action_data")
        return
    action.allow_only("thumbnail_product_retailer_id", *(("sections",) if sub_type == "mpm" else ()))
    if sub_type == "mpm":
        for section in action.children("sections", at_least=1, at_most=10):
            section.text("title")
            for item in section.children("product_items", at_least=1, at_most=30):
                item.text("product_retailer_id")


def _read_limited_time_offer(component: Params, _into: Components) -> None:
    component.allow_only("type", "parameters")
    for parameter in component.children("parameters", at_least=1, at_most=1):
        parameter.choice("type", ("limited_time_offer",), code=132012)
        offer = parameter.child("limited_time_offer")
        if offer.whole("expiration_time_ms") < _EARLIEST_MILLISECONDS:
            raise GraphError(131009, f"Parameter {offer.path('expiration_time_ms')} must be in milliseconds.")


def _read_carousel(component: Params, into: Components) -> None:
    component.allow_only("type", "cards")
    for position, card in enumerate(component.children("cards", at_least=2, at_most=10)):
        card.allow_only("card_index", "components")
        if card.index("card_index") != position:
            raise GraphError(131009, f"Parameter {card.path('card_index')} must be {position}.")
        into.cards.append(_read_components(card.children("components", at_least=1), _CARD_COMPONENTS))
        into.media += into.cards[-1].media
    if any(card.shape() != into.cards[0].shape() for card in into.cards):
        raise GraphError(132012, "carousel: all cards must have the same components")


def read_location(location: Params) -> None:
    """Check a location, of a template's header or of a free-form message."""
    location.allow_only("latitude", "longitude", "name", "address")
    location.coordinate("latitude", 90)
    location.coordinate("longitude", 180)
    location.optional_text("name")
    location.optional_text("address")


def _read_template_text(parameter: Params) -> None:
    if _FORBIDDEN_SPACE.search(parameter.text("text")):
        raise GraphError(132012, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")


_READERS: dict[str, Callable[[Params, Components], None]] = {
    "header": _read_header,
    "body": _read_body,
    "button": _read_button,
    "limited_time_offer": _read_limited_time_offer,
    "carousel": _read_carousel,
}
