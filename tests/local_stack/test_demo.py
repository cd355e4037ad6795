"""The pure parts of the demo."""

import re
from collections.abc import Iterator
from io import StringIO

from local.demo.journey import Journey, Sighting, message_steps
from local.demo.sample_pdf import sample_pdf
from local.demo.show import curl_lines
from local.progress import Progress
from tests.local_stack.test_description import STACK


def test_each_step_is_told_once_in_the_order_in_which_it_was_seen() -> None:
    told = StringIO()
    journey = Journey("template", ("queued", "sent"), Progress(told))
    for step in ("queued", "sent", "queued", "unheard of"):
        journey.see(step)
    assert re.findall(r"template\s+(\w+)", told.getvalue()) == ["queued", "sent"]
    assert journey.missing == []


def test_watching_ends_as_soon_as_everything_was_seen() -> None:
    looks = iter([[("queued", "")], [("sent", ""), ("queued", "")]])

    def look() -> Iterator[Sighting]:
        yield from next(looks)

    journey = Journey("template", ("queued", "sent"), Progress(StringIO()))
    journey.watch(look, 10)
    assert journey.missing == []


def test_what_was_not_seen_in_time_is_told() -> None:
    told = StringIO()
    journey = Journey("template", ("queued", "read"), Progress(told))
    journey.watch(lambda: iter([("queued", "")]), 0)
    assert journey.missing == ["read"]
    assert "read  not seen within 0 s" in told.getvalue()


def test_a_message_has_every_step_of_the_issue() -> None:
    steps = ["answered 202", "queued", "accepted by Meta", "sent", "delivered", "read"]
    webhooks = [f"webhook {status}, signature verified" for status in ("sent", "delivered", "read")]
    assert [*steps, *webhooks] == list(message_steps())


def test_the_pdf_is_one_that_readers_find_their_way_in() -> None:
    pdf = sample_pdf("Invoice 1")
    start = int(pdf.rpartition(b"startxref\n")[2].split(b"\n")[0])
    assert pdf[start:].startswith(b"xref\n0 7\n")
    entries = re.findall(rb"(\d{10}) 00000 n \n", pdf[start:])
    assert len(entries) == 6
    for number, offset in enumerate(entries, start=1):
        assert pdf[int(offset) :].startswith(b"%d 0 obj\n" % number)


def test_the_curl_lines_can_be_copied() -> None:
    template, document, status = curl_lines(STACK)
    assert template.endswith("http://127.0.0.1:1/api/api/external/send/template")
    assert "-F file=@FILE.pdf" in document
    assert "messageId=ID" in status
    assert all("-H 'X-App-Name: demo_store' -H 'X-API-Key: hkr_live_x'" in line for line in curl_lines(STACK))
