"""The main job at volume: nothing lost, nothing doubled, nothing with the wrong tenant."""

import hashlib
import io
import struct
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from local.stack import App
from tests.stack.world import World, eventually, number

TEMPLATES, DOCUMENTS = 200, 20
STATUSES = ["sent", "delivered", "read"]


def test_every_message_of_two_apps_is_sent_once_read_and_told_of(world: World) -> None:
    apps = world.stack.apps
    files = [_file(index) for index in range(DOCUMENTS)]

    def template(index: int) -> tuple[str, App]:
        app = apps[index % 2]
        return world.send_template(app, to=number(), bodyParams=["John Doe", f"ORD-{index}"]), app

    def document(index: int) -> tuple[str, App]:
        app, (filename, content) = apps[index % 2], files[index]
        return world.send_document(app, content, filename, to=number()), app

    with ThreadPoolExecutor(4) as pool:
        sent = dict(pool.map(template, range(TEMPLATES)))
        documents = dict(pool.map(document, range(DOCUMENTS)))
    everything = sent | documents

    world.until_all_read(everything, seconds=300)
    assert TEMPLATES + DOCUMENTS == len(everything)

    taken = world.times_taken()
    assert dict.fromkeys(everything, 1) == {key: taken.get(key) for key in everything}

    for app in apps:
        own = {message_id for message_id, owner in everything.items() if owner is app}
        webhooks = eventually(
            lambda app=app, own=own: [w for w in world.webhooks(appName=app.app_name) if w["messageId"] in everything],
            lambda seen, own=own: len({w["eventId"] for w in seen}) == len(own) * len(STATUSES),
        )
        assert own == {w["messageId"] for w in webhooks}
        assert {True} == {w["verified"] for w in webhooks}
        told = Counter(w["body"]["data"]["status"] for w in {w["eventId"]: w for w in webhooks}.values())
        assert dict.fromkeys(STATUSES, len(own)) == dict(told)

    uploads = Counter(request["media"]["sha256"] for request in world.meta_requests(edge="media"))
    assert {hashlib.sha256(content).hexdigest() for _, content in files} <= set(uploads)
    assert 0 == world.queue_depth("SendDeadLetterQueueUrl") + world.queue_depth("WebhookDeadLetterQueueUrl")


def _file(index: int) -> tuple[str, bytes]:
    """A different file each time: documents, images and text, from a few bytes to hundreds of kilobytes."""
    noise = hashlib.shake_256(str(index).encode()).digest(1_000 * (index + 1) * (index + 1))
    match index % 3:
        case 0:
            return f"invoice {index}.pdf", b"%PDF-1.7\n" + noise
        case 1:
            return f"photo {index}.png", _png(noise)
        case _:
            return f"notes {index}.txt", noise.hex().encode()


def _png(noise: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width = len(noise) // 4
    made = io.BytesIO()
    made.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 6, 0, 0, 0)))
    made.write(chunk(b"IDAT", zlib.compress(b"\0" + noise[: width * 4])) + chunk(b"IEND", b""))
    return made.getvalue()
