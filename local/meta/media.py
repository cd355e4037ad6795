"""Uploads of media to a number, and the download of what was uploaded."""

import hashlib
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from local.meta.exchange import answer_request, open_record
from local.meta.graph_errors import GraphError
from local.meta.media_rules import KIND_OF_MIME_TYPE, MEDIA_KINDS
from local.meta.media_store import Media
from local.meta.script import Answer
from local.meta.simulator import SIMULATOR, bearer_token
from local.typed_json import JsonObject

_FIELD_BYTES = 256


@dataclass
class _Upload:
    """The parts of a multipart upload, once they are read."""

    product: str | None = None
    declared_type: str | None = None
    filename: str | None = None
    mime_type: str | None = None
    content: bytes = b""
    sha256: str = ""
    problem: GraphError | None = None


async def post_media(request: web.Request) -> web.Response:
    """Take a file, unless a rule says otherwise."""
    simulator = request.app[SIMULATOR]
    record = simulator.records.add(open_record(request, "media"))
    rule = simulator.answers.take(record)
    answer = rule.answer if rule else Answer()
    upload = _Upload()
    if answer.fault != "reset_before":
        upload = await _read_upload(request)
        record.media = {
            "filename": upload.filename,
            "mimeType": upload.mime_type,
            "sha256": upload.sha256,
            "size": len(upload.content),
        }

    async def process() -> JsonObject:
        number = simulator.authorized_number(request)
        mime_type = _checked_mime_type(upload)
        media = Media(number.phone_number_id, mime_type, upload.filename, upload.content, upload.sha256)
        simulator.media.add(media)
        record.answer["mediaId"] = media.media_id
        return {"id": media.media_id}

    return await answer_request(request, record, process, answer)


async def get_content(request: web.Request) -> web.Response:
    """Return the bytes at an address given out before; its token must be one of the number's."""
    simulator = request.app[SIMULATOR]
    media = simulator.media.at_address(request.match_info["key"])
    if media is None:
        return web.Response(status=404, text="URL signature expired", content_type="text/plain")
    try:
        numbers = simulator.numbers_of(bearer_token(request))
    except GraphError as refusal:
        return web.Response(status=refusal.status, text=refusal.message)
    if media.phone_number_id not in [number.phone_number_id for number in numbers]:
        return web.Response(status=404, text="URL signature expired", content_type="text/plain")
    return web.Response(body=media.content, content_type=media.mime_type)


async def _read_upload(request: web.Request) -> _Upload:
    upload = _Upload()
    if request.content_type != "multipart/form-data":
        upload.problem = GraphError(100, "The request must be multipart/form-data.")
        return upload
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader):
                await _read_part(part, upload)
    except ValueError as problem:
        upload.problem = GraphError(100, f"The multipart body cannot be read: {problem}")
    return upload


async def _read_part(part: BodyPartReader, upload: _Upload) -> None:
    if part.name == "file":
        upload.filename = part.filename
        upload.mime_type = part.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
        await _read_file(part, upload)
        return
    text = (await part.read_chunk(_FIELD_BYTES)).decode("utf-8", "replace")
    while await part.read_chunk():
        pass
    if part.name == "messaging_product":
        upload.product = text
    elif part.name == "type":
        upload.declared_type = text
    elif part.name != "ttl_minutes":
        upload.problem = upload.problem or GraphError(100, f'Unexpected key "{part.name}" on param "body".')


async def _read_file(part: BodyPartReader, upload: _Upload) -> None:
    kind = KIND_OF_MIME_TYPE.get(upload.mime_type or "", "document")
    limit = MEDIA_KINDS[kind].max_bytes
    content, digest = bytearray(), hashlib.sha256()
    while chunk := await part.read_chunk(1 << 16):
        if len(content) + len(chunk) > limit:
            upload.problem = GraphError(131053, f"The file is larger than the {limit} bytes that a {kind} may have.")
            content.clear()
            break
        content += chunk
        digest.update(chunk)
    upload.content, upload.sha256 = bytes(content), digest.hexdigest()


def _checked_mime_type(upload: _Upload) -> str:
    if upload.problem:
        raise upload.problem
    if upload.product is None:
        raise GraphError(131008, "Parameter messaging_product is missing.")
    if upload.product != "whatsapp":
        raise GraphError(100, "Param messaging_product must be whatsapp.")
    if not upload.content:
        raise GraphError(131008, "Parameter file is missing.")
    if upload.mime_type not in KIND_OF_MIME_TYPE:
        allowed = ", ".join(KIND_OF_MIME_TYPE)
        raise GraphError(
            131053,
            f"Param file must be a file with one of the following types: {allowed}. "
            f"Received file of type '{upload.mime_type}'.",
        )
    declared = (upload.declared_type or upload.mime_type).partition(";")[0].strip().lower()
    if declared != upload.mime_type:
        raise GraphError(100, f"Param type is {declared}, but the file's Content-Type is {upload.mime_type}.")
    return upload.mime_type
