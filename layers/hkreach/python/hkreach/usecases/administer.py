"""What the operator of a stack does to its apps, keys and secrets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hkreach.domain import api_key
from hkreach.domain.app import MAX_LIVE_KEYS, RESEND_AFTER_SECONDS, App, MetaAccount, UnknownPolicy
from hkreach.domain.breaker import Breaker
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint import DEFAULT_EVENTS, MAX_ENDPOINTS, OPERATORS, Endpoint
from hkreach.domain.errors import Conflict, Fault, Invalid, NotFound
from hkreach.domain.number import NumberState
from hkreach.domain.public_address import check_public_address
from hkreach.domain.time import MINUTE, SECOND, to_rfc3339
from hkreach.domain.webhook_signature import new_webhook_secret
from hkreach.ports import Apps, Clock, Contended, MetaAppSecrets, Numbers, SealedSecrets
from hkreach.ports.deliveries import EndpointHealths
from hkreach.usecases.administer_resume import ANYTHING, THE_TOKEN, ResumeWaiting

_FORGOTTEN = MINUTE + SECOND
"""After so long no process remembers an app as it was."""
_APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}")

type Shown = Mapping[str, Any]
"""What the operator gets to see. A new key or secret is in it once, and never again."""


@dataclass(frozen=True, slots=True)
class NewMetaAccount:
    """A Meta account as the operator gives it, its token in the clear."""

    phone_number_id: str
    waba_id: str
    access_token: str


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook as the operator gives it; without a secret one is made."""

    url: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Administer:
    """The operator's calls. `local_targets` are the `host:port` that webhooks may have on a developer's machine."""

    apps: Apps
    numbers: Numbers
    secrets: SealedSecrets
    meta_app: MetaAppSecrets
    now: Clock
    healths: EndpointHealths
    local_targets: frozenset[str] = frozenset()
    resume_waiting: ResumeWaiting = field(kw_only=True)

    def create_app(
        self, app_name: str, language_code: str, meta: NewMetaAccount | None = None, webhook: NewWebhook | None = None
    ) -> Shown:
        """Make an app with its first key. Raises Conflict if the name or the number is taken."""
        if not _APP_NAME.fullmatch(app_name):
            detail = "must have 2 to 64 letters, digits, hyphens or underscores, and begin with a letter or digit"
            raise Invalid("The app was not created.", [Fault("appName", detail)])
        key = api_key.issue()
        app = App(app_name, language_code, self.now(), keys={key.key_id: key.digest})
        if meta is not None:
            app = self._with_meta(app, meta)
        webhook_secret = None
        if webhook is not None:
            app, webhook_secret = self._with_webhook(app, webhook)
        self.apps.add(app)
        return self._shown(app) | {"keyId": key.key_id, "apiKey": key.text, "webhookSecret": webhook_secret}

    def show_app(self, app_name: str) -> Shown:
        """The app's settings, without any secret."""
        return self._shown(self._app(app_name))

    def set_meta_account(
        self, app_name: str, meta: NewMetaAccount, time_left: Callable[[], int] = lambda: MINUTE
    ) -> dict[str, Any]:
        """Set the number that the app sends from, and its token. A number belongs to one app.

        What waits for the token of before goes when every process knows this one. `more`: `resume_number` goes on.
        """
        before = self._app(app_name)
        after = self._with_meta(before, meta)
        shown = self._changed(before, after)
        if before.meta is None or before.meta.phone_number_id != meta.phone_number_id:
            return shown
        self._change_number(
            meta.phone_number_id, lambda state: (state.without_line() if state.breaker.account else state, None)
        )
        return shown | self.resume_waiting(after, THE_TOKEN, self.now() + _FORGOTTEN, None, time_left)

    def set_webhook(self, app_name: str, webhook: NewWebhook | None) -> Shown:
        """Set the operator's endpoint of the app, active at once, or with None end it; the app's own stay."""
        app = self._app(app_name)
        if webhook is None:
            others = {key: endpoint for key, endpoint in app.endpoints.items() if key != OPERATORS}
            shown = self._changed(app, replace(app, endpoints=others))
            self._begin_anew(app_name, OPERATORS)  # what waits for it is looked through, and given up
            return shown
        changed, secret = self._with_webhook(app, webhook)
        shown = self._changed(app, changed) | {"webhookSecret": secret}
        self._begin_anew(app_name, OPERATORS)
        return shown

    def activate_webhook(self, app_name: str, endpoint_id: str) -> Shown:
        """Let an endpoint get events, whether or not its server took a test event."""
        app = self._app(app_name)
        endpoint = app.endpoints.get(endpoint_id)
        if endpoint is None:
            raise NotFound(f"The app has no endpoint {endpoint_id!r}; it has: {', '.join(app.endpoints) or 'none'}.")
        active = replace(endpoint, state="active")
        self._changed(app, replace(app, endpoints={**app.endpoints, endpoint_id: active}))
        self._begin_anew(app_name, endpoint_id)
        return {"appName": app_name, "endpointId": endpoint_id, "url": endpoint.url, "state": active.state}

    def _begin_anew(self, app_name: str, endpoint_id: str) -> None:
        """Whatever its server did before: the endpoint gets events, those first that wait for it."""
        try:
            self.healths.change(EndpointKey(app_name, endpoint_id), lambda health: (health.resumed(self.now()), None))
        except Contended:
            raise Conflict(
                "The change is made, and what waits for the endpoint may still wait: make the same call again."
            ) from None

    def set_unknown_policy(
        self, app_name: str, policy: UnknownPolicy, resend_after_seconds: int = RESEND_AFTER_SECONDS
    ) -> Shown:
        """Set what becomes of messages whose outcome nobody knows, from now on."""
        app = self._app(app_name)
        return self._changed(app, replace(app, unknown_policy=policy, resend_after_seconds=resend_after_seconds))

    def set_pace(self, app_name: str, messages_per_second: int | None) -> Shown:
        """Set how fast the app's number may send at most; None: as fast as Meta grants it."""
        app = self._app(app_name)
        return self._changed(app, replace(app, messages_per_second=messages_per_second))

    def set_media_days(self, app_name: str, media_days: int) -> Shown:
        """Set how many days the files of the app are kept that are stored from now on: one of `MEDIA_DAYS`."""
        app = self._app(app_name)
        return self._changed(app, replace(app, media_days=media_days))

    def resume_number(
        self, app_name: str, after: str | None = None, time_left: Callable[[], int] = lambda: MINUTE
    ) -> dict[str, Any]:
        """Let the app's number go on at once, whatever stopped it, and what waits for that; answers what it was.

        With `after` the number stays as it is by now: Meta may have refused it again.
        """
        app = self._app(app_name)
        if app.meta is None:
            raise Conflict(f"The app {app_name!r} has no Meta account.")

        def decide(state: NumberState) -> tuple[NumberState, Breaker]:
            return state if after or state.breaker.is_closed else state.resumed(), state.breaker

        was = self._change_number(app.meta.phone_number_id, decide)
        not_before = self.numbers.meta(lambda meta: (meta, max(self.now(), meta.breaker.open_until)))
        return {
            "phoneNumberId": app.meta.phone_number_id,
            "wasStopped": not was.is_closed,
            "code": was.code,
        } | self.resume_waiting(app, ANYTHING, not_before, after, time_left)

    def _change_number[T](self, number: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        try:
            return self.numbers.number(number, decide)
        except Contended:
            raise Conflict("What waits for the number may still wait: make the same call again.") from None

    def issue_key(self, app_name: str) -> Shown:
        """A further key; two can be live, so that one can be rotated without a gap."""
        app = self._app(app_name)
        if len(app.keys) >= MAX_LIVE_KEYS:
            raise Conflict(f"The app has {MAX_LIVE_KEYS} live keys: revoke one first ({', '.join(app.keys)}).")
        key = api_key.issue()
        return self._changed(app, replace(app, keys={**app.keys, key.key_id: key.digest})) | {
            "keyId": key.key_id,
            "apiKey": key.text,
        }

    def revoke_key(self, app_name: str, key_id: str) -> Shown:
        """End a key; it is refused within a minute."""
        app = self._app(app_name)
        if key_id not in app.keys:
            raise NotFound(f"The app has no live key {key_id!r}; it has: {', '.join(app.keys) or 'none'}.")
        return self._changed(app, replace(app, keys={k: v for k, v in app.keys.items() if k != key_id}))

    def set_meta_app(self, app_secret: str, verify_token: str) -> Shown:
        """Set the secrets of the stack's Meta app; the app secret before stays valid until the next change."""
        self.meta_app.rotate(app_secret, verify_token)
        return {"appSecrets": len(self.meta_app.app_secrets())}

    def _app(self, app_name: str) -> App:
        app = self.apps.get_fresh(app_name)
        if app is None:
            raise NotFound(f"There is no app {app_name!r}.")
        return app

    def _changed(self, before: App, after: App) -> dict[str, Any]:
        self.apps.replace(before, replace(after, version=before.version + 1))
        return self._shown(after)

    def _with_meta(self, app: App, meta: NewMetaAccount) -> App:
        token = self.secrets.seal(app.app_name, "access_token", meta.access_token)
        return replace(app, meta=MetaAccount(meta.phone_number_id, meta.waba_id, token))

    def _with_webhook(self, app: App, webhook: NewWebhook) -> tuple[App, str]:
        try:
            url = check_public_address(webhook.url, self.local_targets)
        except ValueError as fault:
            raise Invalid("The webhook was not set.", [Fault("webhookUrl", f"webhookUrl {fault}")]) from None
        before = app.endpoints.get(OPERATORS)
        if before is None and len(app.endpoints) >= MAX_ENDPOINTS:
            raise Conflict(f"The app has {MAX_ENDPOINTS} endpoints of its own, the most there can be.")
        secret = webhook.secret or new_webhook_secret()
        endpoint = Endpoint(
            OPERATORS,
            url,
            before.events if before else DEFAULT_EVENTS,
            before.created_at if before else self.now(),  # what waits for one that was ended is not for this one
            self.secrets.seal(app.app_name, "webhook_secret", secret),
            before.description if before else "",
        )
        return replace(app, endpoints={**app.endpoints, OPERATORS: endpoint}), secret

    def _shown(self, app: App) -> dict[str, Any]:
        return {
            "appName": app.app_name,
            "languageCode": app.language_code,
            "createdAt": to_rfc3339(app.created_at),
            "keyIds": list(app.keys),
            "phoneNumberId": app.meta and app.meta.phone_number_id,
            "wabaId": app.meta and app.meta.waba_id,
            "webhookUrl": app.endpoints[OPERATORS].url if OPERATORS in app.endpoints else None,
            "unknownPolicy": app.unknown_policy,
            "resendAfterSeconds": app.resend_after_seconds,
            "messagesPerSecond": app.messages_per_second,
            "mediaDays": app.media_days,
        }
