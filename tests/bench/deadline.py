"""`python -m tests.bench.deadline`: what a call's total deadline costs, as a ratio of CPU time of one run.

Calls with and without it, in turns, to a server in another process, on connections that are kept, as most are.
"""

import multiprocessing
import statistics
import sys
import time
from multiprocessing.connection import Connection

import urllib3.poolmanager

from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.domain.meta_outcome import Accepted
from tests.contracts.server import answer, serving

ROUNDS = 11
CALLS = 300
SENT = answer(200, b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.1"}]}')


def main() -> int:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    bounded = RequestsMeta(session(), url, "v25.0", 20, 20)
    plain = session()
    for adapter in plain.adapters.values():
        adapter.poolmanager.pool_classes_by_scheme = urllib3.poolmanager.pool_classes_by_scheme  # type: ignore[attr-defined]
    unbounded = RequestsMeta(plain, url, "v25.0", 20, 20)
    pairs = [(_cpu_seconds(bounded), _cpu_seconds(unbounded)) for _ in range(ROUNDS)]
    ratio = statistics.median(one / other for one, other in pairs)
    sys.stdout.write(f"CPU of {CALLS} calls with a deadline to {CALLS} without: {ratio:.2f}, median of {ROUNDS}\n")
    plain.close()
    server.terminate()
    return 0


def _cpu_seconds(meta: RequestsMeta) -> float:
    before = time.process_time()
    for _ in range(CALLS):
        assert Accepted("wamid.1") == meta.send("1", "EAAtoken", {"to": "+85291234567"})
    return time.process_time() - before


def _serve(parent: Connection) -> None:
    with serving(*[SENT] * (2 * ROUNDS * CALLS)) as server:
        parent.send(server.url)
        server.stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
