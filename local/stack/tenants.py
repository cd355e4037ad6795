"""Gives a deployed stack its Meta app and its two apps, and tells the simulated Meta and the inbox of them."""

import base64
import secrets

from local.loopback import call
from local.progress import CommandError
from local.stack.description import App, Stack

APP_NAMES = ("demo_store", "demo_erp")


def set_meta_app(stack: Stack) -> None:
    """Tell the stack which Meta app serves it."""
    stack.administer(
        {
            "action": "set_meta_app",
            "appSecret": stack.meta_app_secret,
            "verifyToken": stack.verify_token,
        }
    )


def create_app(stack: Stack, app_name: str, webhook_url: str) -> App:
    """Create one app with a number, a token and a webhook secret of its own."""
    phone_number_id, waba_id = random_digits(15), random_digits(15)
    # Meta's access tokens look like this.
    access_token = f"EAA{secrets.token_hex(40)}"
    webhook_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    created = stack.administer(
        {
            "action": "create_app",
            "appName": app_name,
            "languageCode": "en",
            "phoneNumberId": phone_number_id,
            "wabaId": waba_id,
            "accessToken": access_token,
            "webhookUrl": webhook_url,
            "webhookSecret": webhook_secret,
        }
    )
    return App(
        app_name=app_name,
        api_key=str(created["apiKey"]),
        phone_number_id=phone_number_id,
        waba_id=waba_id,
        access_token=access_token,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
    )


def configure_meta(stack: Stack) -> None:
    """Give the simulated Meta the numbers and where to call, and see its handshake answered rightly."""
    numbers = [
        {
            "phoneNumberId": app.phone_number_id,
            "wabaId": app.waba_id,
            "accessToken": app.access_token,
            "displayPhoneNumber": f"+1 555 010 {index:04}",
            "countryCode": "US",
        }
        for index, app in enumerate(stack.apps, start=1)
    ]
    call(
        "POST",
        f"{stack.graph_url}/_control/configuration",
        {
            "appSecret": stack.meta_app_secret,
            "verifyToken": stack.verify_token,
            "callbackUrl": stack.meta_callback_url,
            "numbers": numbers,
            # The local AWS starts a process for each call that comes while others are at work.
            "callbackConnections": 4,
        },
    )
    handshake = call("POST", f"{stack.graph_url}/_control/handshake", {})
    if not handshake["verified"]:
        raise CommandError(
            f"the callback address answered Meta's handshake with {handshake['status']}: {str(handshake['body'])[:300]}"
        )


def configure_inbox(stack: Stack) -> None:
    """Give the inbox the secrets with which it verifies."""
    call("PUT", f"{stack.inbox_url}/_control/secrets", {app.app_name: app.webhook_secret for app in stack.apps})


def random_digits(count: int) -> str:
    """An id like Meta's: digits, the first of them no zero."""
    return str(secrets.choice(range(1, 10))) + "".join(str(secrets.randbelow(10)) for _ in range(count - 1))
