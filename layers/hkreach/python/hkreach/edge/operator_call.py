"""The operator's calls: `{"action": "create_app", …}`; see `events/administer/` for one of each."""

import re
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
from hkreach.usecases.administer import Administer, NewMetaAccount, NewWebhook, Shown
from hkreach.usecases.administer_messages import AdministerMessages


def _of(characters: str, called: str, least: int, most: int) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(f"[{characters}]{{{least},{most}}}", text):
            raise ValueError(f"must have {least} to {most} {called}")
        return text

    return AfterValidator(check)


_VISIBLE = (r"\x21-\x7e", "printable ASCII characters, no spaces")
type _Text = Annotated[str, _of(*_VISIBLE, 1, 512)]
type _Id = Annotated[str, _of("0-9", "digits", 1, 32)]
type _Secret = Annotated[str, _of(*_VISIBLE, 16, 256)]


class _Call(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class _CreateApp(_Call):
    action: Literal["create_app"]
    app_name: str
    language_code: Annotated[str, AfterValidator(check_language_code)] = "en"
    phone_number_id: _Id | None = None
    waba_id: _Id | None = None
    access_token: _Text | None = None
    webhook_url: str | None = None
    webhook_secret: _Secret | None = None

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


class _SetMetaAccount(_Call):
    action: Literal["set_meta_account"]
    app_name: str
    phone_number_id: _Id
    waba_id: _Id
    access_token: _Text

    def perform(self, administer: Administer) -> Shown:
        account = NewMetaAccount(self.phone_number_id, self.waba_id, self.access_token)
        return administer.set_meta_account(self.app_name, account)


class _SetWebhook(_Call):
    action: Literal["set_webhook"]
    app_name: str
    webhook_url: str | None
    webhook_secret: _Secret | None = None

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


class _ResumeNumber(_Call):
    action: Literal["resume_number"]
    app_name: str

    def perform(self, administer: Administer) -> Shown:
        return administer.resume_number(self.app_name)


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
    app_secret: _Secret
    verify_token: _Secret

    def perform(self, administer: Administer) -> Shown:
        return administer.set_meta_app(self.app_secret, self.verify_token)


# Not `type` aliases: pydantic would put their names into the places of faults.
_AppCall = (
    _CreateApp
    | _ShowApp
    | _SetMetaAccount
    | _SetWebhook
    | _ActivateWebhook
    | _SetUnknownPolicy
    | _SetPace
    | _SetMediaDays
    | _ResumeNumber
    | _IssueKey
    | _RevokeKey
    | _SetMetaApp
)
_call: TypeAdapter[_AppCall | MessageCall] = TypeAdapter(
    Annotated[_AppCall | MessageCall, Field(discriminator="action")]
)


def read_call(event: Mapping[str, Any]) -> _AppCall | MessageCall:
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
        return dict(call.perform(administer))
    except ReachError as error:
        named = [{"field": fault.field, "detail": fault.detail} for fault in error.faults]
        return {"error": {"code": error.code, "detail": error.detail, "errors": named}}
