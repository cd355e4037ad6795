"""Rules that say how chosen requests are answered and which statuses chosen messages get."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

from local.meta.graph_errors import GraphError
from local.meta.records import RequestRecord
from local.typed_json import JsonError, JsonObject

type Fault = Literal["reset_before", "hang_before", "reset_after", "hang_after", "error_after", "drip", "drip_headers"]


@dataclass(frozen=True)
class Match:
    """Which requests a rule is for: those that equal everything it names."""

    edge: Literal["messages", "media"] | None = None
    phone_number_id: str | None = None
    to: str | None = None
    template_name: str | None = None
    biz_opaque_callback_data: str | None = None

    def fits(self, request: RequestRecord) -> bool:
        """Whether a request is one of these."""
        wanted = ((field.name, getattr(self, field.name)) for field in fields(self))
        return all(value is None or getattr(request, name) == value for name, value in wanted)


@dataclass(frozen=True)
class ScriptedError:
    """A Graph error; its HTTP status comes from Meta's table unless it is given."""

    code: int
    status: int | None = None
    subcode: int | None = None
    message: str | None = None
    details: str | None = None
    is_transient: bool | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def as_graph_error(self) -> GraphError:
        """Return the error to answer."""
        return GraphError(
            self.code,
            self.details,
            message=self.message,
            status=self.status,
            subcode=self.subcode,
            is_transient=self.is_transient,
        )


@dataclass(frozen=True)
class RawAnswer:
    """An answer byte for byte, which need not be one that Meta would give."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Answer:
    """How a request is answered. By default as Meta would: the message is taken, and its id returned."""

    delay: float = 0.0
    """Seconds between the processing and the answer."""
    graph_error: ScriptedError | int | None = None
    raw: RawAnswer | None = None
    fault: Fault | None = None
    seconds: float = 30.0
    """How long a hang or a dripping answer lasts."""
    failed: int | None = None
    """The message is taken, and its only status is `failed` with this code."""
    message_status: Literal["accepted", "held_for_quality_assessment", "paused"] | None = None

    @property
    def is_processed(self) -> bool:
        """Whether the request takes effect before it is answered."""
        if self.fault is not None:
            return self.fault not in ("reset_before", "hang_before")
        return self.graph_error is None and self.raw is None


@dataclass(frozen=True)
class AnswerRule:
    """Answers the requests that match, `times` times, or for ever."""

    answer: Answer
    match: Match = field(default_factory=Match)
    times: int | None = None


@dataclass(frozen=True)
class StatusStep:
    """One status of a message; `failed` needs a code."""

    status: str
    code: int | None = None
    details: str | None = None
    delay: float | None = None
    """Seconds after the step before; by default the configured statusDelay."""
    copies: int = 1


@dataclass(frozen=True)
class StatusRule:
    """The statuses of the messages that match, in the order in which they are sent."""

    statuses: list[str | StatusStep]
    """A status is a step, or in short "sent" or "failed:131026"."""
    match: Match = field(default_factory=Match)
    times: int | None = None
    echo: bool = True
    """Whether biz_opaque_callback_data comes back."""
    batch: Literal["none", "statuses", "changes", "entries"] = "none"
    """Send all in one callback: as several statuses of a change, changes of an entry, or entries."""
    before_answer: bool = False
    """Send them before the message's own request is answered."""

    @property
    def steps(self) -> list[StatusStep]:
        """The statuses in their long form."""
        return [step if isinstance(step, StatusStep) else short_step(step) for step in self.statuses]

    def check(self) -> None:
        """Raise a JsonError for a failure without a code."""
        if any(step.status == "failed" and step.code is None for step in self.steps):
            raise JsonError('the status failed needs a code, as in "failed:131026"')


def short_step(text: str) -> StatusStep:
    """Return the step that "sent" or "failed:131026" stands for."""
    status, _, code = text.partition(":")
    return StatusStep(status, code=int(code) if code.isdecimal() else None)


class _Rule(Protocol):
    @property
    def match(self) -> Match: ...
    @property
    def times(self) -> int | None: ...


@dataclass
class _Entry[R]:
    rule: R
    used: int = 0


class Script[R: _Rule]:
    """Rules in their order: the first that fits and is not used up decides."""

    def __init__(self) -> None:
        self._entries: list[_Entry[R]] = []

    def add(self, rules: Sequence[R]) -> None:
        """Append rules."""
        self._entries += [_Entry(rule) for rule in rules]

    def take(self, request: RequestRecord) -> R | None:
        """Return the rule for a request and count it as used once more."""
        for entry in self._entries:
            if entry.rule.match.fits(request) and (entry.rule.times is None or entry.used < entry.rule.times):
                entry.used += 1
                return entry.rule
        return None

    def uses(self) -> list[JsonObject]:
        """Return for each rule how often it was used, and how often it may be."""
        return [{"times": entry.rule.times, "used": entry.used} for entry in self._entries]

    def clear(self) -> None:
        """Forget all rules."""
        self._entries.clear()
