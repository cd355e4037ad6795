"""The operator's calls that are about messages; see `events/administer/` for one of each."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from hkreach.domain.message import is_message_id
from hkreach.usecases.administer_messages import AdministerMessages, Outcome, QueueName

_DAY = 86_400


def _check_id(text: str) -> str:
    if not is_message_id(text):
        raise ValueError("must be what the answer before gave as `next`")
    return text


type _After = Annotated[str, AfterValidator(_check_id)] | None


class OfMessages(BaseModel):
    """Base of these calls."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)

    @abstractmethod
    def perform(self, messages: AdministerMessages, time_left: Callable[[], int], /) -> dict[str, Any]:
        """Do it; what the operator gets to see. `time_left` tells the milliseconds that this invocation still has."""


class _SettleUnknown(OfMessages):
    action: Literal["settle_unknown"]
    app_name: str
    message_id: str
    outcome: Outcome

    def perform(self, messages: AdministerMessages, _: Callable[[], int]) -> dict[str, Any]:
        return messages.settle_unknown(self.app_name, self.message_id, self.outcome)


class _SettleAllUnknown(OfMessages):
    action: Literal["settle_all_unknown"]
    app_name: str
    outcome: Outcome
    after: _After = None

    def perform(self, messages: AdministerMessages, time_left: Callable[[], int]) -> dict[str, Any]:
        return messages.settle_all_unknown(self.app_name, self.outcome, self.after, time_left)


class _Recover(OfMessages):
    action: Literal["recover"]
    # Not less than a claim and the redelivery of its queue record take.
    older_than_seconds: Annotated[int, Field(ge=600, le=90 * _DAY)] = _DAY
    after: _After = None

    def perform(self, messages: AdministerMessages, time_left: Callable[[], int]) -> dict[str, Any]:
        return messages.recover(self.older_than_seconds, self.after, time_left)


class _Redrive(OfMessages):
    action: Literal["redrive"]
    queue: QueueName

    def perform(self, messages: AdministerMessages, time_left: Callable[[], int]) -> dict[str, Any]:
        return messages.redrive(self.queue, time_left)


class _ListUnknown(OfMessages):
    action: Literal["list_unknown"]
    app_name: str | None = None
    after: _After = None

    def perform(self, messages: AdministerMessages, time_left: Callable[[], int]) -> dict[str, Any]:
        return messages.list_unknown(self.app_name, self.after, time_left)


class _ListUnreadable(OfMessages):
    action: Literal["list_unreadable"]
    after: _After = None

    def perform(self, messages: AdministerMessages, time_left: Callable[[], int]) -> dict[str, Any]:
        return messages.list_unreadable(self.after, time_left)


# Not a `type` alias: pydantic would put its name into the places of faults.
MessageCall = _SettleUnknown | _SettleAllUnknown | _Recover | _Redrive | _ListUnknown | _ListUnreadable
