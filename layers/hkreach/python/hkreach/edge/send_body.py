"""The bodies of the two send routes: JSON, and a form with a file."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from hkreach.domain.errors import Fault, Invalid, Malformed, UnsupportedMediaType
from hkreach.domain.media import MAX_FILE_BYTES, MAX_FILENAME
from hkreach.domain.message import MAX_TTL_SECONDS, SendPurpose
from hkreach.domain.recipient import parse_recipient
from hkreach.domain.template import (
    MAX_BODY_PARAM,
    MAX_BODY_PARAMS,
    MAX_BODY_TEXT,
    MAX_HEADER_TEXT,
    MAX_TEMPLATE_NAME,
    Template,
    check_language_code,
    check_parameter,
)
from hkreach.edge.form import read_form
from hkreach.edge.http_api import body_bytes
from hkreach.usecases.accept_message import IncomingFile, SendRequest

MAX_JSON_BYTES = 256_000
MAX_FORM_BYTES = MAX_FILE_BYTES + 100_000

_SEND_THE_FILE = "is not taken yet: send the file itself with POST /api/external/send/document"
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be text",
    "list_type": "must be a list of texts, or an object of named texts",
    "string_too_short": "must not be empty",
    "too_long": f"has too many values; at most {MAX_BODY_PARAMS} are allowed",
    "model_type": "must be a JSON object",
    "literal_error": "must be authentication, utility or marketing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "greater_than_equal": "must be at least 1",
    "less_than_equal": f"must be at most {MAX_TTL_SECONDS:,}",
}
_TAGS = ("positional", "named")


def _template_name(text: str) -> str:
    if not re.fullmatch(rf"[a-z0-9_]{{1,{MAX_TEMPLATE_NAME}}}", text):
        raise ValueError(f"must be the template's name: 1 to {MAX_TEMPLATE_NAME} of a-z, 0-9 and _")
    return text


def _param_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise ValueError("must be a parameter's name: 1 to 64 of a-z, 0-9 and _")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _checked(limit: int) -> AfterValidator:
    return AfterValidator(lambda text: check_parameter(text, limit))


def _not_too_long_together[Params: list[str] | dict[str, str]](params: Params) -> Params:
    characters = sum(map(len, params.values() if isinstance(params, dict) else params))
    if characters > MAX_BODY_TEXT:
        raise ValueError(f"has {characters:,} characters in all; at most {MAX_BODY_TEXT:,} are allowed")
    return params


type _Param = Annotated[str, _checked(MAX_BODY_PARAM)]
type _ParamName = Annotated[str, AfterValidator(_param_name)]
type _Label = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]


class _Send(BaseModel):
    """The fields that both routes take; names are camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True, defer_build=True)
    not_here: ClassVar[Mapping[str, str]]
    """Fields that a caller may well try, and what to do instead."""

    to: Annotated[str, AfterValidator(parse_recipient)]
    template_name: Annotated[str, AfterValidator(_template_name)]
    language_code: Annotated[str, AfterValidator(check_language_code)] | None = None
    third_party_app_name: _Label | None = None
    body_params: Annotated[
        Annotated[list[_Param], Field(max_length=MAX_BODY_PARAMS), Tag("positional")]
        | Annotated[dict[_ParamName, _Param], Field(max_length=MAX_BODY_PARAMS), Tag("named")],
        Discriminator(lambda value: _TAGS[isinstance(value, dict)]),
        AfterValidator(_not_too_long_together),
    ] = Field(default_factory=list)
    purpose: SendPurpose = "utility"
    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS)] | None = None


class _TemplateBody(_Send):
    """`POST /api/external/send/template`."""

    not_here = {
        "headerMediaUrl": _SEND_THE_FILE,
        "headerMediaId": _SEND_THE_FILE,
        "headerMediaFilename": _SEND_THE_FILE,
    }

    header_text: Annotated[str, _checked(MAX_HEADER_TEXT)] | None = None


class _DocumentFields(_Send):
    """The fields beside the file of `POST /api/external/send/document`."""

    not_here = {
        "headerText": "cannot go with a file: a template has one header",
        "headerMediaUrl": "cannot go with a file: a template has one header",
        "headerMediaId": "cannot go with a file: a template has one header",
    }

    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS, strict=False)] | None = None  # a form has text only
    header_media_filename: (
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_FILENAME), AfterValidator(_printable)] | None
    ) = None


def read_template_request(event: APIGatewayProxyEvent, default_language: str) -> SendRequest:
    """The request in a JSON body. Raises the error that names every fault."""
    _require_content_type(event, "application/json")
    try:
        values = json.loads(body_bytes(event, MAX_JSON_BYTES))
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    body, faults = _validate(_TemplateBody, values)
    key = _idempotency_key(event, faults)
    if body is None or faults:
        raise Invalid("The request names what is wrong in errors; nothing was sent.", faults)
    return _request(body, _template(body, default_language, body.header_text), None, key)


def read_document_request(event: APIGatewayProxyEvent, default_language: str) -> SendRequest:
    """The request in a form with a file. Raises the error that names every fault."""
    _require_content_type(event, "multipart/form-data")
    body_limit_advice = f" A file may have {MAX_FILE_BYTES:,} bytes: make it smaller."
    content = body_bytes(event, MAX_FORM_BYTES, body_limit_advice)
    form, faults = read_form(content, event.headers["Content-Type"], MAX_FILE_BYTES)
    fields, more = _validate(_DocumentFields, form.fields)
    faults += more
    key = _idempotency_key(event, faults)
    if form.file is None or fields is None or faults:
        raise Invalid("The request names what is wrong in errors; nothing was sent.", faults)
    file = replace(form.file, filename=fields.header_media_filename or form.file.filename)
    return _request(fields, _template(fields, default_language), file, key)


def _request(body: _Send, template: Template, file: IncomingFile | None, key: str | None) -> SendRequest:
    return SendRequest(
        body.to, template, body.third_party_app_name, file, key, purpose=body.purpose, ttl_seconds=body.ttl_seconds
    )


def _template(body: _Send, default_language: str, header_text: str | None = None) -> Template:
    return Template(body.template_name, body.language_code or default_language, body.body_params, header_text)


def _require_content_type(event: APIGatewayProxyEvent, wanted: str) -> None:
    given = (event.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if given != wanted:
        raise UnsupportedMediaType(f"This route takes {wanted}; the request says {given[:100] or 'nothing'!r}.")


def _idempotency_key(event: APIGatewayProxyEvent, faults: list[Fault]) -> str | None:
    key = event.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        faults.append(
            Fault("Idempotency-Key", "Idempotency-Key must have 1 to 255 printable ASCII characters, no spaces")
        )
    return key


def _validate[Body: _Send](model: type[Body], values: object) -> tuple[Body | None, list[Fault]]:
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, [_fault(model, details) for details in error.errors(include_url=False, include_input=False)]


def _location(details: ErrorDetails) -> tuple[int | str, ...]:
    """Where the fault is, without pydantic's own marks inside `bodyParams`."""
    match details["loc"]:
        case ("bodyParams", "positional" | "named", name, "[key]"):
            return ("bodyParams", name)
        case ("bodyParams", "positional" | "named", *inner):
            return ("bodyParams", *inner)
        case location:
            return location


def _fault(model: type[_Send], details: ErrorDetails) -> Fault:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in _location(details)).lstrip(".")[
        :200
    ]
    kind, context = details["type"], details.get("ctx", {})
    words = str(context["error"]) if kind == "value_error" else _WORDS.get(kind, details["msg"])
    if kind == "extra_forbidden":
        words = model.not_here.get(path, words)
    return Fault(path or "body", f"{path or 'body'} {words}")
