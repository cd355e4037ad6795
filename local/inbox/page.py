"""The inbox as a page: the latest webhooks, newest first. Whatever came from outside is escaped."""

from collections.abc import Sequence
from html import escape

from local.inbox.deliveries import Delivery

_BADGES = {True: ("good", "verified"), False: ("bad", "NOT VERIFIED"), None: ("plain", "no secret known")}
_NOTHING_YET = '<tr><td colspan="8">Nothing has come yet. POST webhooks to <code>/hooks/APP_NAME</code>.</td></tr>'
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="2">
<title>Inbox: {count} webhooks</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #1c1e21; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0 }}
th, td {{ border-bottom: 1px solid #e4e6eb }}
code {{ font: 13px ui-monospace, monospace; overflow-wrap: anywhere }}
.good {{ color: #0a6b2f }} .bad {{ color: #b3261e; font-weight: 600 }} .plain {{ color: #5f6368 }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e4e6eb; background: #18191a }} th, td {{ border-color: #3a3b3c }}
  .good {{ color: #6ddf98 }} .bad {{ color: #ff8a80 }} .plain {{ color: #b0b3b8 }}
}}
</style>
<h1>Inbox</h1>
<p>{count} webhooks, newest first. The page renews itself.</p>
<table>
<thead><tr><th>Time (UTC)<th>App<th>Event<th>Message<th>Status<th>Signature<th>Answered<th>Body</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</html>
"""


def render(deliveries: Sequence[Delivery], count: int) -> str:
    """Return the page for these webhooks, given newest first, of `count` in all."""
    return _PAGE.format(count=count, rows="\n".join(map(_row, deliveries)) or _NOTHING_YET)


def _row(delivery: Delivery) -> str:
    style, words = _BADGES[delivery.verified]
    cells = [
        f"{delivery.received_at:%H:%M:%S}.{delivery.received_at.microsecond // 1000:03}",
        escape(delivery.app_name),
        escape(delivery.event or "?"),
        f"<code>{escape(delivery.message_id or '')}</code>",
        escape(delivery.status or ""),
        f'<span class="{style}">{words}</span>',
        str(delivery.answered_status or "not yet"),
        f"<code>{escape(delivery.raw[:300].decode('utf-8', 'replace'))}</code>",
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
