"""Who calls: `X-App-Name` and `X-API-Key`."""

import hashlib

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain import api_key
from hkreach.domain.app import App
from hkreach.domain.errors import Unauthorized
from hkreach.ports import Apps

logger = Logger(service="hkreach", child=True)

_LONGEST_NAME = 64
_NOBODYS_DIGEST = hashlib.sha256(b"").hexdigest()


def authenticate(event: APIGatewayProxyEvent, apps: Apps) -> App:
    """The app whose live key the request carries; from here on the log's lines name it.

    Raises Unauthorized, the same for whatever is wrong.
    """
    app_name = event.headers.get("X-App-Name") or ""
    key = api_key.parse(event.headers.get("X-API-Key") or "")
    if key is None or not 0 < len(app_name) <= _LONGEST_NAME:
        raise Unauthorized
    app = apps.get(app_name)
    if app is not None and key.key_id not in app.keys:
        app = apps.get_fresh(app_name)  # a key that was issued a moment ago works at once
    # An unknown app or key takes the same comparison as a known one.
    digest = app.keys.get(key.key_id, _NOBODYS_DIGEST) if app is not None else _NOBODYS_DIGEST
    if not key.matches(digest) or app is None:
        raise Unauthorized
    logger.append_keys(app_name=app.app_name)  # until the next invocation, which forgets all keys
    return app
