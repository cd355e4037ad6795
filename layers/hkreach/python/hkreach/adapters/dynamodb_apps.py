"""The apps table: one item for each app, and one for each Meta number that says whose it is."""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.remembered import Remembered
from hkreach.domain.app import RESEND_AFTER_SECONDS, App, MetaAccount
from hkreach.domain.endpoint import DEFAULT_EVENTS, OPERATORS, Endpoint
from hkreach.domain.errors import Conflict
from hkreach.domain.media import MEDIA_DAYS

_MOST_CACHED = 1_000


class DynamoDBApps:
    """Implements the port `Apps`. `cache_seconds` is how long a revoked key may still open the door: at most 60."""

    def __init__(self, client: Any, table: str, cache_seconds: float) -> None:
        self._client = client
        self._table = table
        self._apps: Remembered[str, App | None] = Remembered(_MOST_CACHED, cache_seconds)

    def get(self, app_name: str) -> App | None:
        """See the port. That there is no such app is not remembered: a new one is found at once."""
        return self._apps.get_or_load(app_name, lambda: self._read(app_name))

    def get_fresh(self, app_name: str) -> App | None:
        """See the port."""
        app = self._read(app_name)
        if app is not None:
            self._apps.set(app_name, app)
        return app

    def name_of_number(self, phone_number_id: str) -> str | None:
        """See the port."""
        values = self._get(_number_key(phone_number_id))
        return values["appName"] if values is not None else None

    def add(self, app: App) -> None:
        """See the port."""
        puts = [self._put(_item(app), "attribute_not_exists(pk)", {})]
        if app.meta is not None:
            puts.append(self._take_number(app.meta.phone_number_id, app.app_name))
        self._write(puts, f"There is an app {app.app_name!r} already.")

    def replace(self, before: App, after: App) -> None:
        """See the port."""
        writes = [self._put(_item(after), "version = :before", {":before": before.version})]
        old, new = (app.meta.phone_number_id if app.meta else None for app in (before, after))
        if new is not None and new != old:
            writes.append(self._take_number(new, after.app_name))
        if old is not None and new != old:
            writes.append(self._give_number_back(old, before.app_name))
        try:
            self._write(
                writes, f"The app {after.app_name!r} was changed by somebody else meanwhile: look at it and try again."
            )
        except Conflict:
            if self._read(after.app_name) != after:  # the SDK repeats a put whose answer got lost: it was our own
                raise
        self._apps.set(after.app_name, after)

    def _read(self, app_name: str) -> App | None:
        values = self._get(_app_key(app_name))
        return _app(values) if values is not None else None

    def _get(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put(self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        put = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        return {"Put": put | ({"ExpressionAttributeValues": to_item(values)} if values else {})}

    def _take_number(self, phone_number_id: str, app_name: str) -> dict[str, Any]:
        item = _number_key(phone_number_id) | to_item({"appName": app_name})
        return self._put(item, "attribute_not_exists(pk) OR appName = :app", {":app": app_name})

    def _give_number_back(self, phone_number_id: str, app_name: str) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self._table,
                "Key": _number_key(phone_number_id),
                "ConditionExpression": "appName = :app",
                "ExpressionAttributeValues": to_item({":app": app_name}),
            }
        }

    def _write(self, writes: list[dict[str, Any]], conflict: str) -> None:
        """All or nothing; the first is the app's item. One write needs no transaction, which others could conflict."""
        errors = self._client.exceptions
        try:
            if len(writes) == 1:
                self._client.put_item(**writes[0]["Put"])
            else:
                self._client.transact_write_items(TransactItems=writes)
        except (errors.ConditionalCheckFailedException, errors.TransactionConflictException):
            raise Conflict(conflict) from None
        except errors.TransactionCanceledException as refused:
            codes = [reason.get("Code", "None") for reason in refused.response.get("CancellationReasons", [])]
            if "ConditionalCheckFailed" in codes[1:]:
                raise Conflict("This phone number id belongs to another app: a number can have only one.") from None
            if {"ConditionalCheckFailed", "TransactionConflict"} & set(
                codes
            ):  # the latter: another is writing just now
                raise Conflict(conflict) from None
            raise


def _app_key(app_name: str) -> dict[str, Any]:
    return to_item({"pk": f"app#{app_name}"})


def _number_key(phone_number_id: str) -> dict[str, Any]:
    return to_item({"pk": f"number#{phone_number_id}"})


def _item(app: App) -> dict[str, Any]:
    return _app_key(app.app_name) | to_item(
        {
            "appName": app.app_name,
            "languageCode": app.language_code,
            "createdAt": app.created_at,
            "keys": dict(app.keys),
            "meta": app.meta
            and {"phoneNumberId": app.meta.phone_number_id, "wabaId": app.meta.waba_id, "token": app.meta.access_token},
            "endpoints": {endpoint.endpoint_id: _endpoint_values(endpoint) for endpoint in app.endpoints.values()},
            "unknownPolicy": app.unknown_policy,
            "resendAfterSeconds": app.resend_after_seconds,
            "messagesPerSecond": app.messages_per_second,
            "mediaDays": app.media_days,
            "version": app.version,
        }
    )


def _app(values: Mapping[str, Any]) -> App:
    meta = values.get("meta")
    return App(
        app_name=values["appName"],
        language_code=values["languageCode"],
        created_at=values["createdAt"],
        keys=values["keys"],
        meta=MetaAccount(meta["phoneNumberId"], meta["wabaId"], meta["token"]) if meta else None,
        endpoints=_endpoints(values),
        # Apps from before there was a choice have neither.
        unknown_policy=values.get("unknownPolicy", "park"),
        resend_after_seconds=values.get("resendAfterSeconds", RESEND_AFTER_SECONDS),
        messages_per_second=values.get("messagesPerSecond"),
        media_days=values.get("mediaDays", MEDIA_DAYS[-1]),
        version=values["version"],
    )


def _endpoint_values(endpoint: Endpoint) -> dict[str, Any]:
    values = {
        "url": endpoint.url,
        "events": sorted(endpoint.events),
        "createdAt": endpoint.created_at,
        "secret": endpoint.secret,
        "description": endpoint.description,
        "oldSecret": endpoint.old_secret,
        "oldSecretUntil": endpoint.old_secret_until,
        "state": endpoint.state,
    }
    return {name: value for name, value in values.items() if value is not None}


def _endpoints(values: Mapping[str, Any]) -> dict[str, Endpoint]:
    webhook = values.get("webhook")
    if "endpoints" not in values and webhook:  # an app from before there were endpoints
        webhook_values = {"events": DEFAULT_EVENTS, "createdAt": values["createdAt"], "state": "active"} | webhook
        return {OPERATORS: _endpoint(OPERATORS, webhook_values)}
    return {name: _endpoint(name, of_one) for name, of_one in values.get("endpoints", {}).items()}


def _endpoint(endpoint_id: str, values: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=endpoint_id,
        url=values["url"],
        events=frozenset(values["events"]),
        created_at=values["createdAt"],
        secret=values.get("secret"),
        description=values.get("description", ""),
        old_secret=values.get("oldSecret"),
        old_secret_until=values.get("oldSecretUntil"),
        state=values["state"],
    )
