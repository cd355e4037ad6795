"""What became of the messages of a run, in the words of Jepsen's `total-queue`, and what is wrong with it."""

from dataclasses import dataclass

from hkreach.domain.message import RANK, Status
from tests.chaos.simulation import Simulation


@dataclass(frozen=True)
class Verdict:
    """Counts of a drained run. Valid: nothing lost, duplicated, unexpected, misreported or untold."""

    attempts: int
    acknowledged: int
    ok: int
    """Taken by Meta once, and known to be."""
    failed: int
    """Not sent, and said so."""
    unknown: int
    """Nobody knows, and nobody resent."""
    lost: int
    """Acknowledged, not settled when everything was drained."""
    duplicated: int
    """Taken by Meta more than once."""
    unexpected: int
    """Taken, though nobody asked for it."""
    misreported: int
    """Said to have failed though taken, or a status below what Meta told."""
    untold: int
    """Facts without a webhook."""
    faults: int

    @property
    def is_valid(self) -> bool:
        return not (self.lost or self.duplicated or self.unexpected or self.misreported or self.untold)


def judge(run: Simulation) -> Verdict:
    """Hold the table, the simulated Meta's own count and the webhooks against each other."""
    rows = {message_id: row.message for message_id, row in run.table.rows.items()}
    taken = run.meta.taken
    status = {message_id: message.status for message_id, message in rows.items()}

    def misreported(message_id: str) -> bool:
        told = run.meta.told.get(message_id, set())
        if status.get(message_id) is Status.FAILED and taken[message_id]:
            return True
        return any(fact not in rows[message_id].facts for fact in map(Status, told)) if message_id in rows else False

    def untold(message_id: str) -> int:
        facts = {fact.value for fact in rows[message_id].facts if fact in RANK}
        return len(facts - run.webhooks.get(message_id, set()))

    return Verdict(
        attempts=run.attempted,
        acknowledged=len(run.acknowledged),
        ok=sum(taken[i] == 1 and s not in {Status.QUEUED, Status.UNKNOWN, Status.FAILED} for i, s in status.items()),
        failed=sum(s is Status.FAILED for s in status.values()),
        unknown=sum(s is Status.UNKNOWN for s in status.values()),
        lost=sum(status.get(i, Status.QUEUED) is Status.QUEUED for i in run.acknowledged),
        duplicated=sum(count > 1 for count in taken.values()),
        unexpected=sum(message_id not in rows for message_id in taken),
        misreported=sum(map(misreported, rows)),
        untold=sum(map(untold, rows)),
        faults=run.faults.struck.total(),
    )
