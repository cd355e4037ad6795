"""PyWa, a client of Meta that we did not write, takes the simulated Meta for the real one."""

from collections.abc import Iterator

import httpx
import pytest
from aiohttp import web
from pywa.client import WhatsApp
from pywa.handlers import MessageHandler, MessageStatusHandler
from pywa.types.message import Message
from pywa.types.message_status import MessageStatus, MessageStatusType
from pywa.types.sent_update import SentTemplateStatus
from pywa.types.templates import BodyText, HeaderImage, QuickReplyButton, TemplateLanguage, URLButton

from local.meta.app import make_app
from tests.local.running import APP_SECRET, CONFIGURATION, NUMBER, TOKEN, Meta, Receiver, serving

pytestmark = pytest.mark.loopback

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(1000)
ALERT = {"entry": [{"id": "1", "changes": [{"field": "account_alerts", "value": {}}]}]}


class ToSimulator(httpx.HTTPTransport):
    """Carries what is meant for graph.facebook.com to the simulated Meta: PyWa has no setting for the address."""

    def __init__(self, meta_url: str) -> None:
        super().__init__()
        self._meta = httpx.URL(meta_url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "graph.facebook.com"
        request.url = request.url.copy_with(scheme="http", host=self._meta.host, port=self._meta.port)
        return super().handle_request(request)


class PywaReceiver:
    """Lets PyWa judge the callbacks, and answers Meta what PyWa says."""

    def __init__(self, client: WhatsApp) -> None:
        self._client = client
        self.statuses: list[MessageStatus[str]] = []
        self.messages: list[Message] = []
        client.add_handlers(
            MessageStatusHandler(lambda _, status: self.statuses.append(status)),
            MessageHandler(lambda _, message: self.messages.append(message)),
        )

    def app(self) -> web.Application:
        """Return the web application that receives."""
        app = web.Application()
        app.add_routes([web.post("/meta", self._receive), web.get("/meta", self._verify)])
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        raw = await request.read()
        refusal = self._client.webhook_update_validator(raw, request.headers.get("X-Hub-Signature-256"))
        text, status = refusal or self._client.webhook_update_handler(raw)
        return web.Response(text=text, status=status)

    async def _verify(self, request: web.Request) -> web.Response:
        query = request.query
        text, status = self._client.webhook_challenge_handler(query["hub.verify_token"], query["hub.challenge"])
        return web.Response(text=text, status=status)


@pytest.fixture
def meta() -> Iterator[Meta]:
    with serving(make_app({**CONFIGURATION, "anyLetterCase": True})) as url:
        yield Meta(url, Receiver())


@pytest.fixture
def client(meta: Meta) -> Iterator[WhatsApp]:
    with httpx.Client(transport=ToSimulator(meta.url)) as session:
        yield WhatsApp(
            phone_id=NUMBER, token=TOKEN, session=session, app_secret=APP_SECRET, verify_token="verify-token"
        )


@pytest.fixture
def pywa(meta: Meta, client: WhatsApp) -> Iterator[PywaReceiver]:
    receiver = PywaReceiver(client)
    with serving(receiver.app()) as url:
        meta.control("configuration", {"callbackUrl": f"{url}/meta"})
        yield receiver


def answers_of_pywa(meta: Meta) -> list[list[int]]:
    """Return for each callback what PyWa answered."""
    meta.settle()
    return [callback["statuses"] for callback in meta.control("callbacks")["callbacks"]]


def test_sends_a_template_and_reads_its_statuses(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    sent = client.send_template(
        to="+85291234567",
        name="order_confirmation",
        language=TemplateLanguage.ENGLISH_US,
        params=[
            BodyText.params("Zoë 黃", "ORD/1"),  # type: ignore[arg-type]  # PyWa's method lacks a self
            URLButton.params(index=0, url_variable="n3mtql"),
            QuickReplyButton.params(index=1, callback_data="STOP"),
        ],
        tracker="m-1/é",
    )
    assert answers_of_pywa(meta) == [[200]] * 3
    assert sent.status is SentTemplateStatus.ACCEPTED
    assert sent.input == "+85291234567"
    assert {status.status for status in pywa.statuses} == {
        MessageStatusType.SENT,
        MessageStatusType.DELIVERED,
        MessageStatusType.READ,
    }
    assert {status.id for status in pywa.statuses} == {sent.id}
    assert {status.tracker for status in pywa.statuses} == {"m-1/é"}
    assert {status.from_user.wa_id for status in pywa.statuses} == {"85291234567"}
    assert {status.metadata.phone_number_id for status in pywa.statuses} == {NUMBER}
    priced = {status.status for status in pywa.statuses if status.pricing}
    assert priced == {MessageStatusType.SENT, MessageStatusType.DELIVERED}


def test_sends_a_template_with_an_uploaded_header(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    client.send_template(
        to="+85291234567",
        name="order_picture",
        language=TemplateLanguage.ENGLISH,
        params=[HeaderImage.params(image=PICTURE, mime_type="image/png"), BodyText.params(customer="Mei")],
    )
    assert answers_of_pywa(meta) == [[200]] * 3
    assert [status.error for status in pywa.statuses] == [None] * 3
    (upload,) = meta.control("requests?edge=media")["requests"]
    assert upload["media"]["size"] == len(PICTURE)


def test_uploads_sends_and_downloads_an_image(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    meta.control("inbound", {"phoneNumberId": NUMBER, "from": "85291234567", "text": "Send me the picture"})
    sent = client.send_image(to="+85291234567", image=PICTURE, mime_type="image/png", caption="Here")
    assert answers_of_pywa(meta) == [[200]] * 4
    assert {status.id for status in pywa.statuses} == {sent.id}
    assert len(pywa.statuses) == 3
    (upload,) = meta.control("requests?edge=media")["requests"]
    url = client.get_media_url(upload["answer"]["mediaId"])
    assert (url.sha256, url.file_size) == (upload["media"]["sha256"], len(PICTURE))
    assert client.get_media_bytes(url=url.url) == PICTURE


def test_reads_what_a_customer_writes(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    written = meta.control(
        "inbound", {"phoneNumberId": NUMBER, "from": "85291234567", "text": "你好/hi", "profileName": "Zoë"}
    )
    assert answers_of_pywa(meta) == [[200]]
    (message,) = pywa.messages
    assert (message.id, message.text) == (written["messageId"], "你好/hi")
    assert (message.from_user.wa_id, message.from_user.name) == ("85291234567", "Zoë")
    assert message.from_user.bsuid == written["message"]["from_user_id"]


def test_refuses_forged_signatures(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    for signature, status in (("forged", 403), ("truncated", 403), ("omitted", 401), ("valid", 200)):
        answer = meta.control("callbacks", {"value": ALERT, "signature": signature})
        assert (signature, answer["status"]) == (signature, status)


def test_answers_the_handshake(meta: Meta, client: WhatsApp, pywa: PywaReceiver) -> None:
    assert meta.control("handshake", {})["verified"] is True
    assert meta.control("handshake", {"verifyToken": "wrong"})["status"] == 403
