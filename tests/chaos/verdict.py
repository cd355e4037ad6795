"""What became of the messages of a run, in the words of Jepsen's `total-queue`, and what is wrong with it."""

from dataclasses import dataclass

from hkreach.domain.message import RANK, Status
from tests.chaos.simulation import Simulation, has_ended

WRONG = ("lost", "duplicated", "unexpected", "misreported", "untold", "recovered_twice", "too_fast")

LOOKED_FOR = 150_000
"""Milliseconds for which the message of an early status is looked for at least."""


@dataclass(frozen=True)
class Verdict:
    """Counts of a drained run. Valid: none of `WRONG`."""

    attempts: int
    acknowledged: int
    ok: int
    """Taken by Meta, and known to be."""
    failed: int
    """Not sent, or not delivered, and said so."""
    unknown: int
    """Nobody knows, and nobody resends."""
    forgotten: int
    """Not settled when everything was drained: a stream's or a queue's record was lost."""
    put_back: int
    called_unknown: int
    """What `recover` did about them."""
    recovered_twice: int
    """What a second `recover` still found."""
    lost: int
    """Acknowledged, and not settled when all was drained, recovered, and drained again; or forgotten without cause."""
    duplicated: int
    """Taken by Meta more often than there was cause: see `Ledger.leave`."""
    sent_again: int
    """Taken more than once because the app's policy is `resend` and nothing was heard for that long."""
    unexpected: int
    """Taken, though nobody asked for it."""
    misreported: int
    """Said to have failed though taken, a fact missing that Meta told, or one that moved."""
    refused_again: int
    """The second call was refused, so it failed; the first may have gone."""
    untold: int
    """Facts without a webhook."""
    dropped: int
    """The same because the stream's record was dropped: nothing puts that back. The message's status tells them."""
    orphans: int
    """Callbacks that could find no message: without the echo, before Meta's id was known. They are looked for again."""
    orphans_lost: int
    """Those of them whose message was not known for so long that the looking had ended, and that it lacks."""
    too_fast: int
    """Refused with 131056, by Meta's own rule."""
    faults: int

    @property
    def is_valid(self) -> bool:
        return not any(getattr(self, name) for name in WRONG)


def judge(run: Simulation) -> Verdict:
    """Hold the table, the simulated Meta's own count and the webhooks against each other."""
    rows = {message_id: row.message for message_id, row in run.table.rows.items()}
    taken, told, leave = run.meta.taken, run.ledger.told, run.ledger.leave
    status = {message_id: message.status for message_id, message in rows.items()}
    failed = {message_id for message_id, its in status.items() if its is Status.FAILED}
    early = run.ledger.early()
    wrongly_failed = {i for i in failed if taken[i] and Status.FAILED not in told.get(i, set())}
    wrongly_failed -= {i for i, fact in early if fact is Status.FAILED}
    forgets = {i for i in rows if not told.get(i, set()) <= set(rows[i].facts)}
    forgets |= {i for i, fact in run.ledger.early(within=LOOKED_FOR) if fact not in rows[i].facts}
    facts = {(i, fact) for i, message in rows.items() for fact in message.facts if fact in RANK}
    untold = {(i, fact) for i, fact in facts if fact.value not in run.webhooks.get(i, set())}
    ended = {i for i, message in rows.items() if has_ended(message)}
    causeless = run.forgotten - run.send_queue.lost - run.media_queue.lost - {i for i, _ in run.outbox.dropped}
    first, second = run.recovered
    return Verdict(
        attempts=run.attempted,
        acknowledged=len(run.acknowledged),
        ok=sum(taken[i] > 0 and s not in {Status.QUEUED, Status.UNKNOWN, Status.FAILED} for i, s in status.items()),
        failed=len(failed),
        unknown=sum(s is Status.UNKNOWN for s in status.values()),
        forgotten=len(run.forgotten),
        put_back=first["putBack"],
        called_unknown=first["becameUnknown"],
        recovered_twice=second["found"],
        lost=len((run.acknowledged - ended) | causeless),
        duplicated=sum(count > 1 + leave[i] for i, count in taken.items()),
        sent_again=sum(1 < count <= 1 + leave[i] for i, count in taken.items()),
        unexpected=sum(i not in rows for i in taken),
        misreported=len(forgets | run.ledger.moved | {i for i in wrongly_failed if not leave[i]}),
        refused_again=sum(leave[i] > 0 for i in wrongly_failed),
        untold=len(untold - run.events.dropped),
        dropped=len(untold & run.events.dropped),
        orphans=run.ledger.orphans,
        orphans_lost=sum(fact not in rows[i].facts for i, fact in early),
        too_fast=run.meta.too_fast,
        faults=run.faults.struck.total(),
    )
