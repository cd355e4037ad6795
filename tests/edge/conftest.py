"""Requests as API Gateway hands them on."""

import base64
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain.errors import Fault

BOUNDARY = "hkreach"


def request(body: str | bytes | None, content_type: str | None, **headers: str) -> APIGatewayProxyEvent:
    """Bytes are a binary body, which the gateway encodes as base64; text is handed on as it is."""
    event: dict[str, Any] = {
        "headers": {"Content-Type": content_type, **headers},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
        "requestContext": {},
    }
    return APIGatewayProxyEvent(event)


def part(content: bytes | str, disposition: str, *headers: str) -> bytes:
    lines = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + (content if isinstance(content, bytes) else content.encode()) + b"\r\n"


def field(name: str, value: bytes | str) -> bytes:
    return part(value, f'form-data; name="{name}"')


def file(content: bytes, filename: str = "invoice.pdf", name: str = "file") -> bytes:
    return part(content, f'form-data; name="{name}"; filename="{filename}"', "Content-Type: application/octet-stream")


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def told(faults: tuple[Fault, ...] | list[Fault]) -> dict[str, str]:
    """Each field named, and what is said of it."""
    return {fault.field: fault.detail for fault in faults}
