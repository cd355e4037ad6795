"""What really happened to each message, kept beside the table: the verdict asks it, and no step knows it."""

import json
import math
from collections import Counter

from hkreach.domain.message import UNKNOWN_ATTEMPT, OutboundMessage, Status
from hkreach.ports import Clock

SKEW = 3_000
"""How far the sender's clock may be off, in milliseconds, each time that it looks."""
_TOLERANCE = 3 * SKEW
"""It looks three times: for the time of the leave, for that of the fact, and for the second claim."""


class Ledger:
    """Every write of the table and every callback that we answered with 200."""

    def __init__(self, now: Clock, resend_after: int | None) -> None:
        self._now, self._resend_after = now, resend_after
        self.told: dict[str, set[Status]] = {}
        """What Meta told of a message in a callback that could find it: by its echo, or by an id that we had."""
        self.called: set[tuple[str, Status]] = set()
        """The same for every callback, answered or not."""
        self._early: list[tuple[str, Status, int]] = []
        self.leave: Counter[str] = Counter()
        """How often each message was rightly claimed again though it may have gone before."""
        self.moved: set[str] = set()
        """Messages of which a fact was changed or taken back."""
        self._unknown_since: dict[str, int] = {}
        self._tries: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self._known_at: dict[str, int] = {}

    def wrote(self, before: OutboundMessage | None, after: OutboundMessage) -> None:
        """A write of the table, as its stream shows it."""
        message_id = after.message_id
        if after.wamid is not None:
            self._ids.setdefault(after.wamid, message_id)
            self._known_at.setdefault(after.wamid, self._now())
        if before is not None and not before.facts.items() <= after.facts.items():
            self.moved.add(message_id)
        last = after.attempts[-1] if after.attempts else None
        if last and last.code == UNKNOWN_ATTEMPT and last.number > self._tries.get(message_id, 0):
            self._tries[message_id], self._unknown_since[message_id] = last.number, last.at
        if before is not None and after.claim is not None and before.claim is None:
            self.leave[message_id] += self._was_unknown_long_enough(before)

    def _was_unknown_long_enough(self, message: OutboundMessage) -> bool:
        """Whether it was unknown for the whole resend time and no callback told anything."""
        since = self._unknown_since.get(message.message_id)
        if self._resend_after is None or since is None or message.message_id in self.told:
            return False
        return self._now() - since >= self._resend_after - _TOLERANCE

    @property
    def orphans(self) -> int:
        """Callbacks without the echo that came before we knew Meta's id."""
        return len(self._early)

    def early(self, within: float = math.inf) -> set[tuple[str, Status]]:
        """What they told of which messages, where Meta's id was known so many milliseconds later."""
        known = [(wamid, status, at) for wamid, status, at in self._early if wamid in self._ids]
        return {(self._ids[wamid], status) for wamid, status, at in known if self._known_at[wamid] - at <= within}

    def finds(self, body: bytes) -> list[tuple[str, Status]]:
        """The messages, and what is told of them, that a callback must find if it comes now."""
        found = []
        for entry in json.loads(body)["entry"]:
            for node in entry["changes"][0]["value"].get("statuses", []):
                message_id = node.get("biz_opaque_callback_data") or self._ids.get(node["id"])
                if message_id is None:
                    self._early.append((node["id"], Status(node["status"]), self._now()))
                else:
                    found.append((message_id, Status(node["status"])))
        self.called.update(found)
        return found

    def was_told(self, found: list[tuple[str, Status]]) -> None:
        """They were told, and answered with 200."""
        for message_id, status in found:
            self.told.setdefault(message_id, set()).add(status)
