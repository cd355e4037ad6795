"""The production code of each step, as the simulation runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from hkreach.domain.app import UnknownPolicy
from hkreach.edge.queue_batch import work_on_batch
from hkreach.usecases.administer_messages import AdministerMessages
from hkreach.usecases.fetch_media import FetchMedia
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.wake_due import wake_due
from tests.chaos.invocation import WorkOnBatch
from tests.fakes.messages import FakeMessages


@dataclass(frozen=True)
class Steps:
    """The production code; a planted bug replaces one of these."""

    sender: type[SendMessage] = SendMessage
    admission: type[Admission] = Admission
    messages: type[FakeMessages] = FakeMessages
    relay_outbox: Callable[..., frozenset[str]] = relay_outbox
    relay_events: Callable[..., frozenset[str]] = relay_events
    fetcher: type[FetchMedia] = FetchMedia
    wake_due: Callable[..., int] = wake_due
    work_on_batch: WorkOnBatch = work_on_batch
    operator: type[AdministerMessages] = AdministerMessages


PRODUCTION = Steps()


@dataclass(frozen=True)
class Bug:
    """Steps with a bug planted in one of them, and what it shows under."""

    steps: Steps
    policy: UnknownPolicy = "park"
    only: tuple[str, ...] = ()
    """The kinds of faults that it is looked for with; without any: all."""
    seed: int = 1
    """Where to look for it first: a rare one takes long to be found from the beginning."""
