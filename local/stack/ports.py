"""Which ports the stack listens on."""

import random
import socket
from dataclasses import dataclass

from local.progress import CommandError, Progress

ANY_FREE = 0
PREFERRED = {"AWS_PORT": 4566, "META_PORT": 4570, "INBOX_PORT": 4580}
# Below the range from which Linux takes ports for outgoing calls: a port found free here is still free a second later.
FREE_RANGE = range(20_000, 32_000)


@dataclass(frozen=True)
class Ports:
    """The wish for each program: None is the preferred port or else a free one, 0 any free one, a number that one."""

    aws: int | None = None
    meta: int | None = None
    inbox: int | None = None


def choose_port(name: str, wish: int | None, progress: Progress) -> int:
    """A port that can be opened now. One named by the user is taken or refused, never replaced."""
    if wish is None:
        preferred = PREFERRED[name]
        if is_free(preferred):
            return preferred
        port = free_port()
        progress.say(f"port {preferred} is taken, using {port} instead (to choose: {name}=…)")
        return port
    if wish == ANY_FREE:
        return free_port()
    refuse_if_taken(name, wish)
    return wish


def refuse_taken(ports: Ports) -> None:
    """Refuse ports that were named and are taken, in one line."""
    for name, wish in zip(PREFERRED, (ports.aws, ports.meta, ports.inbox), strict=True):
        if wish:
            refuse_if_taken(name, wish)


def refuse_if_taken(name: str, port: int) -> None:
    """The user named this port: no other will do."""
    if not is_free(port):
        raise CommandError(f"port {port} is taken: stop what listens there, or choose another with {name}=…")


def is_free(port: int) -> bool:
    """Whether a server could listen on it on loopback."""
    with socket.socket() as probe:
        # What listens is in the way; what a closed connection left behind is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Some port that nothing listens on."""
    for port in random.sample(FREE_RANGE, 200):
        if is_free(port):
            return port
    raise CommandError(f"no free port found between {FREE_RANGE.start} and {FREE_RANGE.stop}")
