"""GET and DELETE /{version}/{id}: phone numbers and media."""

from aiohttp import web

from local.meta.exchange import answer_request, open_record
from local.meta.graph_errors import GraphError, unknown_object
from local.meta.media_store import Media
from local.meta.settings import Number
from local.meta.simulator import SIMULATOR, Simulator
from local.typed_json import JsonObject

_DEFAULT_FIELDS = "verified_name,code_verification_status,display_phone_number,quality_rating"

_NODE_TYPE = "WhatsAppBusinessPhoneNumber"


async def get_node(request: web.Request) -> web.Response:
    """Describe a phone number or a medium that the token can see."""
    simulator = request.app[SIMULATOR]
    record = simulator.records.add(open_record(request, "node"))

    async def process() -> JsonObject:
        numbers = simulator.numbers_of(simulator.checked_token(request))
        for number in numbers:
            if number.phone_number_id == request.match_info["node_id"]:
                return _describe_number(number, request.query.get("fields", _DEFAULT_FIELDS))
        media = _visible_media(request, simulator, numbers)
        return {
            "messaging_product": "whatsapp",
            "url": str(request.url.origin() / "_media" / simulator.media.new_address(media)),
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": len(media.content),
            "id": media.media_id,
        }

    return await answer_request(request, record, process)


async def delete_node(request: web.Request) -> web.Response:
    """Delete a medium that the token can see."""
    simulator = request.app[SIMULATOR]
    record = simulator.records.add(open_record(request, "node"))

    async def process() -> JsonObject:
        numbers = simulator.numbers_of(simulator.checked_token(request))
        simulator.media.remove(_visible_media(request, simulator, numbers))
        return {"success": True}

    return await answer_request(request, record, process)


def _visible_media(request: web.Request, simulator: Simulator, numbers: list[Number]) -> Media:
    media_id = request.match_info["node_id"]
    media = simulator.media.get(media_id)
    visible = {number.phone_number_id for number in numbers}
    if "phone_number_id" in request.query:
        visible &= {request.query["phone_number_id"]}
    if media is None or media.phone_number_id not in visible:
        raise unknown_object(request.method, media_id)
    return media


def _describe_number(number: Number, fields: str) -> JsonObject:
    known: JsonObject = {
        "id": number.phone_number_id,
        "verified_name": number.verified_name,
        "code_verification_status": "VERIFIED",
        "display_phone_number": number.display_phone_number,
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "throughput": {"level": number.throughput_level},
        "status": "CONNECTED",
    }
    described: JsonObject = {}
    for name in fields.split(","):
        if name not in known:
            raise GraphError(
                100,
                message=f"(#100) Tried accessing nonexisting field ({name}) on node type ({_NODE_TYPE})",
            )
        described[name] = known[name]
    return {**described, "id": number.phone_number_id}
