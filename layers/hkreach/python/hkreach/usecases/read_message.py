"""Read a message for the app that sent it."""

from hkreach.domain.app import App
from hkreach.domain.errors import NotFound
from hkreach.domain.message import OutboundMessage, is_message_id
from hkreach.ports import Messages


def read_message(app: App, message_id: str, *, messages: Messages) -> OutboundMessage:
    """The app's message. Raises NotFound for one that is another app's, expired, or never was: all look the same."""
    message = messages.get(message_id) if is_message_id(message_id) else None
    if message is None or message.app_name != app.app_name:
        raise NotFound("This app has no message with this id; messages are kept for 90 days.")
    return message
