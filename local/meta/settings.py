"""What a simulated Meta is configured with."""

import re
from dataclasses import dataclass, field
from typing import Literal

from local.typed_json import JsonError, JsonObject, read

type HeaderFormat = Literal["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT"]


@dataclass(frozen=True)
class Number:
    """A business phone number and the token that may use it."""

    phone_number_id: str
    waba_id: str
    access_token: str
    display_phone_number: str
    country_code: str
    verified_name: str = "Simulated Business"
    throughput_level: Literal["STANDARD", "HIGH", "NOT_APPLICABLE"] = "STANDARD"
    messages_per_second: int | Literal["of level"] | None = "of level"
    """Above this many in a second, in and out together, Meta answers 130429; null turns the limit off.

    By default it follows from the level: 1,000 for HIGH, else 80. A number that is also in the WhatsApp Business app
    has 20, which must be said.
    """

    @property
    def digits(self) -> str:
        """The number as callbacks write it."""
        return re.sub(r"\D", "", self.display_phone_number)

    @property
    def throughput(self) -> int | None:
        """How many messages a second the number may have, or None for any number."""
        if self.messages_per_second == "of level":
            return 1000 if self.throughput_level == "HIGH" else 80
        return self.messages_per_second


@dataclass(frozen=True)
class TemplateButton:
    """A button of a registered template; one with a variable needs a component in every send."""

    type: Literal["url", "quick_reply", "copy_code", "flow", "catalog", "mpm", "phone_number"]
    variable: bool = False


@dataclass(frozen=True)
class Template:
    """A registered template: sends of its name are held to what is said here."""

    name: str
    language: str
    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"] = "APPROVED"
    category: Literal["utility", "marketing", "authentication"] = "utility"
    header_format: HeaderFormat | None = None
    header_params: int = 0
    """How many variables a TEXT header has: 0 or 1."""
    body_params: int | list[str] = 0
    """A count for positional variables, a list of names for named ones."""
    parameter_format: Literal["POSITIONAL", "NAMED"] | None = None
    """Follows from bodyParams; only a template whose one variable is in a header needs it."""
    buttons: list[TemplateButton] = field(default_factory=list)

    @property
    def is_named(self) -> bool:
        """Whether variables are addressed by name."""
        return isinstance(self.body_params, list) or self.parameter_format == "NAMED"


@dataclass(frozen=True)
class Usage:
    """What the usage headers say: percentages of Meta's limits on calls, and minutes until calls are taken again."""

    type: str = "whatsapp"
    call_count: int = 1
    total_cputime: int = 1
    total_time: int = 1
    estimated_time_to_regain_access: int = 0


@dataclass(frozen=True)
class Settings:
    """The whole configuration. Times are seconds, made short so that a local run is quick."""

    app_secret: str = "local-app-secret"
    verify_token: str = "local-verify-token"
    callback_url: str | None = None
    numbers: list[Number] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    versions: list[str] = field(default_factory=lambda: [f"v{major}.0" for major in range(21, 27)])
    status_delay: float = 0.05
    callback_timeout: float = 10.0
    callback_retry_delay: float = 0.2
    callback_max_delay: float = 30.0
    callback_max_tries: int = 8
    callback_connections: int = 50
    """Counts from the first callback on; a later change has no effect."""
    echo_on_failed: bool = True
    any_letter_case: bool = False
    """Also take upper-case component types, as Meta does from PyWa; its pages only show lower case."""
    window_seconds: float = 24 * 3600.0
    pair_seconds: float | None = 6.0
    """In this time a number may send one message to one recipient, or Meta answers 131056; null turns that off."""
    pair_burst: int | None = 45
    """How many may go at once, borrowed from the time that follows; null turns the same limit off."""
    usage: Usage | None = None
    """Set, even to {}, answers to /messages carry Meta's usage headers with these values."""
    media_url_seconds: float = 300.0
    media_bytes_limit: int = 256 * 1024 * 1024
    record_limit: int = 50_000
    """How many requests and callbacks are kept; read at the start only."""


def read_settings(configuration: JsonObject) -> Settings:
    """Return the settings of a configuration in JSON, or raise a JsonError."""
    return read(Settings, configuration, "configuration")


def merge_configuration(old: JsonObject, change: object) -> JsonObject:
    """Return `old` changed by `change`, which adds or replaces single numbers and templates."""
    if not isinstance(change, dict):
        raise JsonError("configuration must be an object")
    merged = {**old, **change}
    for key, identity in _IDENTITIES.items():
        if isinstance(change.get(key), list):
            items = [*old.get(key, []), *change[key]]
            if not all(isinstance(item, dict) for item in items):
                raise JsonError(f"configuration.{key} must be a list of objects")
            merged[key] = list({tuple(str(item.get(part, "")) for part in identity): item for item in items}.values())
    return merged


_IDENTITIES = {"numbers": ("phoneNumberId",), "templates": ("name", "language")}
