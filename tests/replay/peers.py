"""Models of the rules that other senders publish, on the very same trace. They are models of rules, not anybody's code.

What the rules have in common: a failed call, whatever failed, is made again after an exponential wait with jitter, and
given up when the next one would come later than the rule's horizon. Nobody paces the calls, nobody keeps one call's
fate apart from another's, and a call without an answer counts as failed. The horizons are those that documentation or
users tell: 15 minutes, two hours, four hours, and no second call at all. Waits double from two seconds to 15 minutes.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from hkreach.domain.meta_outcome import Accepted
from hkreach.domain.time import HOUR, MINUTE, SECOND
from tests.builders import NOW, NUMBER
from tests.replay.meta import SimulatedMeta
from tests.replay.outage import Replayed, Trace, run_to_the_end
from tests.replay.timeline import Timeline

_FIRST, _LONGEST = 2 * SECOND, 15 * MINUTE


@dataclass(frozen=True)
class Rule:
    """After how many milliseconds a message is given up."""

    name: str
    horizon: int


RULES = (
    Rule("never again", 0),
    Rule("for 15 min", 15 * MINUTE),
    Rule("for 2 h", 2 * HOUR),
    Rule("for 4 h", 4 * HOUR),
)


class Peer:
    """Sends by a rule; as many calls at once as there are."""

    def __init__(self, timeline: Timeline, meta: SimulatedMeta, rule: Rule, seed: int) -> None:
        self._timeline, self._meta, self._rule, self._random = timeline, meta, rule, random.Random(seed)
        self.accepted = 0
        self.backlog = 0
        self.given_up: list[str] = []

    def accept(self, to: str) -> None:
        self.accepted += 1
        self.backlog += 1
        self._call(str(self.accepted), to, self._timeline(), 1)

    def _call(self, message_id: str, to: str, since: int, tries: int) -> None:
        took, outcome = self._meta.answer(NUMBER, to, message_id)

        def answered() -> None:
            ceiling = min(_LONGEST, _FIRST * 2 ** min(tries - 1, 16))
            wait = self._random.randrange(ceiling // 2, ceiling + 1)
            if isinstance(outcome, Accepted):
                self.backlog -= 1
            elif self._timeline() + wait - since > self._rule.horizon:
                self.backlog -= 1
                self.given_up.append(message_id)
            else:
                self._timeline.after(wait, lambda: self._call(message_id, to, since, tries + 1))

        self._timeline.after(took, answered)


def replay_rule(trace: Trace, rule: Rule, tell: Callable[[str], object] = lambda line: None) -> Replayed:
    """A peer's rule on the trace."""
    timeline = Timeline(NOW)
    meta = trace.meta(timeline)
    peer = Peer(timeline, meta, rule, trace.seed)
    replayed = Replayed(rule.name, trace.outage)
    run_to_the_end(timeline, trace, replayed, peer.accept, lambda: peer.backlog, tell)
    replayed.count_drain(meta)
    replayed.messages = peer.accepted
    replayed.lost = sum(message_id not in meta.taken for message_id in peer.given_up)
    return replayed
