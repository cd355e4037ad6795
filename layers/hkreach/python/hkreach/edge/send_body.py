"""The bodies of the two send routes: JSON, and a form with a file."""

import re
from dataclasses import replace

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain.errors import Fault, Invalid
from hkreach.domain.media import MAX_FILE_BYTES
from hkreach.domain.template import Template
from hkreach.edge.form import UPLOAD_IT_FIRST, read_form
from hkreach.edge.http_api import body_bytes, json_body, require_content_type
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import DocumentFields, SendFields, TemplateFields
from hkreach.usecases.accept_message import IncomingFile, SendRequest

MAX_JSON_BYTES = 256_000
MAX_FORM_BYTES = MAX_FILE_BYTES + 100_000


def read_template_request(
    event: APIGatewayProxyEvent, default_language: str, local_targets: frozenset[str] = frozenset()
) -> SendRequest:
    """The request in a JSON body. Raises the error that names every fault.

    `local_targets`: the `host:port` that a file's address may have on a developer's machine.
    """
    body, faults = validate(TemplateFields, json_body(event, MAX_JSON_BYTES), local_targets=local_targets)
    key = _idempotency_key(event, faults)
    if body is None or faults:
        raise Invalid("The request names what is wrong in errors; nothing was sent.", faults)
    request = request_of(body, default_language, None, key)
    if body.header_media_id is None:
        return request
    return replace(request, media_id=body.header_media_id, filename=body.header_media_filename)


def read_document_request(event: APIGatewayProxyEvent, default_language: str) -> SendRequest:
    """The request in a form with a file. Raises the error that names every fault."""
    require_content_type(event, "multipart/form-data")
    body_limit_advice = f" A file may have {MAX_FILE_BYTES:,} bytes: {UPLOAD_IT_FIRST}."
    content = body_bytes(event, MAX_FORM_BYTES, body_limit_advice)
    form, faults = read_form(content, event.headers["Content-Type"], MAX_FILE_BYTES)
    fields, more = validate(DocumentFields, form.fields, {"file"} if form.file else set())
    faults += more
    key = _idempotency_key(event, faults)
    if form.file is None or fields is None or faults:
        raise Invalid("The request names what is wrong in errors; nothing was sent.", faults)
    file, wanted = form.file, fields.header_media_filename
    return request_of(fields, default_language, replace(file, filename=wanted, is_named=True) if wanted else file, key)


def request_of(
    fields: SendFields, default_language: str, file: IncomingFile | None = None, key: str | None = None
) -> SendRequest:
    """The request that valid fields make."""
    language = fields.language_code or default_language
    template = Template(fields.template_name, language, fields.body_params, fields.header, fields.buttons)
    return SendRequest(
        fields.to,
        template,
        fields.third_party_app_name,
        file,
        key,
        purpose=fields.purpose,
        ttl_seconds=fields.ttl_seconds,
        media_address=fields.media_address,
    )


def _idempotency_key(event: APIGatewayProxyEvent, faults: list[Fault]) -> str | None:
    key = event.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        faults.append(
            Fault("Idempotency-Key", "Idempotency-Key must have 1 to 255 printable ASCII characters, no spaces")
        )
    return key
