"""The largest file that Meta takes, from the app's own upload to the simulated Meta: byte for byte, and never held."""

import hashlib
import random
import tempfile
from pathlib import Path

from requests_toolbelt import MultipartEncoder

from local.commands import ROOT
from tests.bench.process_figures import peak_megabytes, processes_with
from tests.stack.world import World, eventually, number

SIZE = 100_000_000
MOST_ABOVE_IDLE = 16
"""In MB, of the function that uploads."""


def test_a_hundred_megabytes_reach_meta_byte_for_byte_and_are_never_held(world: World) -> None:
    url = f"{world.stack.inbox_url}/files/absent.pdf"
    _until_fails(world, url)  # the function has started, and done everything but to carry a file
    before = {pid: _forget_peak(pid) for pid in _uploaders(world)}
    assert before

    message_id, digest = _send(world)
    world.until_status(world.app, message_id, "read")

    (request,) = world.meta_requests(bizOpaqueCallbackData=message_id)
    document = request["body"]["template"]["components"][0]["parameters"][0]["document"]
    (upload,) = [u for u in world.meta_requests(edge="media") if u["answer"]["mediaId"] == document["id"]]
    assert (digest, SIZE) == (upload["media"]["sha256"], upload["media"]["size"])
    above = max(peak_megabytes(pid) for pid in _uploaders(world)) - min(before.values())
    print(f"\n{SIZE // 10**6} MB: the uploader's peak was {above:.1f} MB above idle (bound: {MOST_ABOVE_IDLE})")  # noqa: T201
    assert above <= MOST_ABOVE_IDLE


def _send(world: World) -> tuple[str, str]:
    """The id of a message with a file of the largest size, and the file's digest. It is on the disk, not in memory."""
    answer = world.post("/api/external/media", world.app, json={"filename": "all.pdf", "size": SIZE})
    assert 201 == answer.status_code, answer.text
    form = answer.json()["upload"]
    digest, made = hashlib.sha256(), random.Random(SIZE)
    with tempfile.TemporaryFile() as file:
        for block in [b"%PDF-1.7\n", *(made.randbytes(1_000_000) for _ in range(99)), made.randbytes(999_991)]:
            file.write(block)
            digest.update(block)
        file.seek(0)
        parts = MultipartEncoder({**form["fields"], "file": ("all.pdf", file)})
        headers = {"Content-Type": parts.content_type}
        assert 204 == world.http.post(form["url"], data=parts, headers=headers, timeout=120).status_code
    body = {"to": number(), "templateName": "catalogue", "headerMediaId": answer.json()["mediaId"]}
    sent = world.post("/api/external/send/template", world.app, json=body)
    assert 202 == sent.status_code, sent.text
    return sent.json()["messageId"], digest.hexdigest()


def _until_fails(world: World, url: str) -> None:
    body = {"to": number(), "templateName": "invoice", "bodyParams": ["John Doe"], "headerMediaUrl": url}
    message_id = world.post("/api/external/send/template", world.app, json=body).json()["messageId"]
    world.until_status(world.app, message_id, "failed")


def _uploaders(world: World) -> list[int]:
    """The processes of the function that carries large files."""
    functions = world.stack.client("lambda").list_functions()["Functions"]
    (name,) = [each["FunctionName"] for each in functions if "-FetchMediaFunction-" in each["FunctionName"]]
    return eventually(lambda: processes_with(str(ROOT / ".local/test-stack"), name), len)


def _forget_peak(pid: int) -> float:
    """Linux counts the peak from now on; returns what the process holds."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")
    return peak_megabytes(pid)
