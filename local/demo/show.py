"""What the demo sends, and which steps of it must be seen."""

import hashlib
import json
import secrets
from collections.abc import Iterator

import requests

from local.demo.journey import Journey, MessageSightings, Sighting, message_steps, post, webhooks
from local.demo.sample_pdf import sample_pdf
from local.loopback import call
from local.progress import Progress
from local.stack import Stack

MESSAGE_SECONDS = 90.0
WATCHABLE_SECONDS = 1.0
UPLOADED = "file at Meta, byte for byte"
RECEIVED = "webhook messages.received, signature verified"
TEMPLATE = {
    "to": "919999999999",
    "templateName": "order_confirmation",
    "languageCode": "en",
    "thirdPartyAppName": "MyStore_ERP",
    "bodyParams": ["John Doe", "ORD-12345"],
    "headerText": "Thank you for your order!",
}
DOCUMENT = {"to": "919999999999", "templateName": "invoice_ready", "headerMediaFilename": "invoice.pdf"}


def show(stack: Stack, progress: Progress) -> list[str]:
    """Send a template and a document and let a customer write; return every step that was not seen."""
    call("POST", f"{stack.graph_url}/_control/configuration", {"statusDelay": WATCHABLE_SECONDS})
    shown = (send_template(stack, progress), send_document(stack, progress), receive_text(stack, progress))
    return [f"{journey.name}: {step}" for journey in shown for step in journey.missing]


def send_template(stack: Stack, progress: Progress) -> Journey:
    """Send the example of the product's guide."""
    journey = Journey("template", message_steps(), progress)
    progress.say(f"{journey.name:<9} POST /api/external/send/template  {json.dumps(TEMPLATE)}")
    follow(stack, journey, post(stack, stack.apps[0], "/api/external/send/template", json=TEMPLATE))
    return journey


def send_document(stack: Stack, progress: Progress) -> Journey:
    """Send a PDF made for the occasion, and see that Meta got exactly that one."""
    journey = Journey("document", message_steps(UPLOADED), progress)
    pdf = sample_pdf(f"Invoice {secrets.token_hex(6)}")
    progress.say(f"{journey.name:<9} POST /api/external/send/document  {json.dumps(DOCUMENT)}, {len(pdf)} bytes of PDF")
    upload = {"file": ("invoice.pdf", pdf, "application/pdf")}
    answer = post(stack, stack.apps[0], "/api/external/send/document", data=DOCUMENT, files=upload)
    follow(stack, journey, answer, hashlib.sha256(pdf).hexdigest())
    return journey


def follow(stack: Stack, journey: Journey, answer: requests.Response, sha256: str | None = None) -> None:
    """Watch a message from the answer to its request on; `sha256` is that of its file."""
    if answer.status_code != 202:
        journey.progress.missed(f"{journey.name:<9} answered {answer.status_code} {answer.text[:300]}")
        return
    accepted = answer.json()
    journey.see("answered 202", f"messageId {accepted['messageId']}")
    journey.see(accepted["status"])
    at_message = MessageSightings(stack, stack.apps[0], accepted["messageId"])

    def look() -> Iterator[Sighting]:
        if sha256 and UPLOADED in journey.missing:
            uploads = call("GET", f"{stack.graph_url}/_control/requests?edge=media")["requests"]
            if any((upload["media"] or {}).get("sha256") == sha256 for upload in uploads):
                yield UPLOADED, f"SHA-256 {sha256[:16]}…"
        yield from at_message()

    journey.watch(look, MESSAGE_SECONDS)


def receive_text(stack: Stack, progress: Progress) -> Journey:
    """Let a customer write, and see it come out at the inbox."""
    journey, app = Journey("inbound", ("written at Meta", RECEIVED), progress), stack.apps[0]
    text = f"Where is my order? ({secrets.token_hex(4)})"
    order = {"phoneNumberId": app.phone_number_id, "from": TEMPLATE["to"], "text": text}
    wamid = call("POST", f"{stack.graph_url}/_control/inbound", order)["messageId"]
    journey.see("written at Meta", f"{text!r} as {wamid[:24]}…")

    def look() -> Iterator[Sighting]:
        for webhook in webhooks(stack, app, event="messages.received"):
            if webhook["verified"] and text in json.dumps(webhook["body"]):
                yield RECEIVED, f"event {webhook['eventId']}"

    journey.watch(look, MESSAGE_SECONDS)
    return journey


def curl_lines(stack: Stack) -> list[str]:
    """Return commands to copy: send a template, send a document, ask for a status."""
    app = stack.apps[0]
    headers = " ".join(f"-H '{name}: {value}'" for name, value in app.headers.items())
    form = " ".join(f"-F {name}={value}" for name, value in DOCUMENT.items())
    api = f"{stack.api_url}/api/external"
    return [
        f"curl {headers} -H 'Content-Type: application/json' -d '{json.dumps(TEMPLATE)}' {api}/send/template",
        f"curl {headers} {form} -F file=@FILE.pdf {api}/send/document",
        f"curl {headers} '{api}/message/status?messageId=ID'",
    ]
