"""The operator's calls that let a number's waiting messages go; see `events/administer/` for one of each."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from hkreach.edge.operator_texts import Id, Next, Text
from hkreach.usecases.administer import Administer, NewMetaAccount


class OfNumbers(BaseModel):
    """Base of these calls."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)

    @abstractmethod
    def perform(self, administer: Administer, time_left: Callable[[], int], /) -> dict[str, Any]:
        """Do it; what the operator gets to see. `time_left` tells the milliseconds that this invocation still has."""


class _SetMetaAccount(OfNumbers):
    action: Literal["set_meta_account"]
    app_name: str
    phone_number_id: Id
    waba_id: Id
    access_token: Text

    def perform(self, administer: Administer, time_left: Callable[[], int]) -> dict[str, Any]:
        account = NewMetaAccount(self.phone_number_id, self.waba_id, self.access_token)
        return administer.set_meta_account(self.app_name, account, time_left)


class _ResumeNumber(OfNumbers):
    action: Literal["resume_number"]
    app_name: str
    after: Next | None = None

    def perform(self, administer: Administer, time_left: Callable[[], int]) -> dict[str, Any]:
        return administer.resume_number(self.app_name, self.after, time_left)


# Not a `type` alias: pydantic would put its name into the places of faults.
NumberCall = _SetMetaAccount | _ResumeNumber
