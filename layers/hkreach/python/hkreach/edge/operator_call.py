"""The operator's calls: `{"action": "create_app", …}`; see `events/administer/` for one of each."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from hkreach.domain.app import MIN_RESEND_AFTER_SECONDS, RESEND_AFTER_SECONDS, UnknownPolicy
from hkreach.domain.errors import Fault, Invalid, ReachError
from hkreach.domain.media import MEDIA_DAYS
from hkreach.domain.message import MAX_TTL_SECONDS
from hkreach.domain.pace import HIGH
from hkreach.domain.template import check_language_code
from hkreach.edge.fault_words import words
from hkreach.edge.operator_message_call import MessageCall, OfMessages
from hkreach.edge.operator_number_call import NumberCall, OfNumbers
from hkreach.edge.operator_texts import Id, Secret, Text
from hkreach.usecases.administer import Administer, NewMetaAccount, NewWebhook, Shown
from hkreach.usecases.administer_messages import AdministerMessages


class _Call(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class _CreateApp(_Call):
    action: Literal["create_app"]
    app_name: str
    language_code: Annotated[str, AfterValidator(check_language_code)] = "en"
    phone_number_id: Id | None = None
    waba_id: Id | None = None
    access_token: Text | None = None
    webhook_url: str | None = None
    webhook_secret: Secret | None = None

    def perform(self, administer: Administer) -> Shown:
        meta = webhook = None
        self._refuse_half_of_something()
        if self.phone_number_id and self.waba_id and self.access_token:
            meta = NewMetaAccount(self.phone_number_id, self.waba_id, self.access_token)
        if self.webhook_url is not None:
            webhook = NewWebhook(self.webhook_url, self.webhook_secret)
        return administer.create_app(self.app_name, self.language_code, meta, webhook)

    def _refuse_half_of_something(self) -> None:
        account = {"phoneNumberId": self.phone_number_id, "wabaId": self.waba_id, "accessToken": self.access_token}
        missing = [name for name, value in account.items() if value is None]
        faults = [Fault(name, f"{name} is required with the others of a Meta account") for name in missing]
        faults = faults if len(missing) < len(account) else []
        if self.webhook_secret is not None and self.webhook_url is None:
            faults.append(Fault("webhookUrl", "webhookUrl is required with a webhookSecret"))
        if faults:
            raise Invalid("The app was not created.", faults)


class _ShowApp(_Call):
    action: Literal["show_app"]
    app_name: str

    def perform(self, administer: Administer) -> Shown:
        return administer.show_app(self.app_name)


class _SetWebhook(_Call):
    action: Literal["set_webhook"]
    app_name: str
    webhook_url: str | None
    webhook_secret: Secret | None = None

    def perform(self, administer: Administer) -> Shown:
        webhook = NewWebhook(self.webhook_url, self.webhook_secret) if self.webhook_url is not None else None
        return administer.set_webhook(self.app_name, webhook)


class _ActivateWebhook(_Call):
    action: Literal["activate_webhook"]
    app_name: str
    endpoint_id: str

    def perform(self, administer: Administer) -> Shown:
        return administer.activate_webhook(self.app_name, self.endpoint_id)


class _SetUnknownPolicy(_Call):
    action: Literal["set_unknown_policy"]
    app_name: str
    policy: UnknownPolicy
    resend_after_seconds: Annotated[int, Field(ge=MIN_RESEND_AFTER_SECONDS, le=MAX_TTL_SECONDS)] = RESEND_AFTER_SECONDS

    def perform(self, administer: Administer) -> Shown:
        return administer.set_unknown_policy(self.app_name, self.policy, self.resend_after_seconds)


class _SetPace(_Call):
    action: Literal["set_pace"]
    app_name: str
    messages_per_second: Annotated[int, Field(ge=1, le=HIGH)] | None

    def perform(self, administer: Administer) -> Shown:
        return administer.set_pace(self.app_name, self.messages_per_second)


class _SetMediaDays(_Call):
    action: Literal["set_media_days"]
    app_name: str
    media_days: Literal[*MEDIA_DAYS]  # type: ignore[valid-type]

    def perform(self, administer: Administer) -> Shown:
        return administer.set_media_days(self.app_name, self.media_days)


class _IssueKey(_Call):
    action: Literal["issue_key"]
    app_name: str

    def perform(self, administer: Administer) -> Shown:
        return administer.issue_key(self.app_name)


class _RevokeKey(_Call):
    action: Literal["revoke_key"]
    app_name: str
    key_id: str

    def perform(self, administer: Administer) -> Shown:
        return administer.revoke_key(self.app_name, self.key_id)


class _SetMetaApp(_Call):
    action: Literal["set_meta_app"]
    app_secret: Secret
    verify_token: Secret

    def perform(self, administer: Administer) -> Shown:
        return administer.set_meta_app(self.app_secret, self.verify_token)


# Not `type` aliases: pydantic would put their names into the places of faults.
_AppCall = (
    _CreateApp
    | _ShowApp
    | _SetWebhook
    | _ActivateWebhook
    | _SetUnknownPolicy
    | _SetPace
    | _SetMediaDays
    | _IssueKey
    | _RevokeKey
    | _SetMetaApp
)
_call: TypeAdapter[_AppCall | NumberCall | MessageCall] = TypeAdapter(
    Annotated[_AppCall | NumberCall | MessageCall, Field(discriminator="action")]
)


def read_call(event: Mapping[str, Any]) -> _AppCall | MessageCall | NumberCall:
    """What the event asks. Raises Invalid that names every fault, without a value: they hold secrets."""
    try:
        return _call.validate_python(dict(event))
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors(include_url=False, include_input=False)]
        raise Invalid("The call is not valid; nothing was changed.", faults) from None


def _fault(details: ErrorDetails) -> Fault:
    field = ".".join(map(str, details["loc"][1:])) or "action"
    return Fault(field, f"{field} {words(details)}")


def perform(
    administer: Administer, messages: AdministerMessages, event: Mapping[str, Any], time_left: Callable[[], int]
) -> dict[str, Any]:
    """Do what the event asks. An error is part of the answer, so that no trace hides what it says."""
    try:
        call = read_call(event)
        if isinstance(call, OfMessages):
            return call.perform(messages, time_left)
        if isinstance(call, OfNumbers):
            return call.perform(administer, time_left)
        return dict(call.perform(administer))
    except ReachError as error:
        named = [{"field": fault.field, "detail": fault.detail} for fault in error.faults]
        return {"error": {"code": error.code, "detail": error.detail, "errors": named}}
