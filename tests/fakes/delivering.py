"""`deliver_webhook` with fakes around it."""

from hkreach.domain.delivery import Delivery, Plan
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.ports import Apps, Clock, SealedSecrets, WebhookClient
from hkreach.usecases.deliver_webhook import DeliverWebhook
from hkreach.usecases.deliver_webhook_try import TryDelivery
from tests.fakes.deliveries import FakeDeliveries, FakeDeliveryQueue, FakeEndpointHealths, FakeEventFacts
from tests.fakes.overdue import FakeOverdue
from tests.fakes.stores import FakeEventBus


class Delivering:
    """All that lies around it. The jitter is drawn so that it is nothing."""

    def __init__(
        self,
        apps: Apps,
        secrets: SealedSecrets,
        client: WebhookClient,
        clock: Clock,
        plan: Plan | None = None,
        limits: EndpointLimits | None = None,
    ) -> None:
        self.clock = clock
        self.deliveries, self.healths = FakeDeliveries(clock), FakeEndpointHealths()
        self.queue, self.bus, self.facts = FakeDeliveryQueue(), FakeEventBus(), FakeEventFacts()
        self.attempt = TryDelivery(
            deliveries=self.deliveries,
            healths=self.healths,
            queue=self.queue,
            bus=self.bus,
            secrets=secrets,
            client=client,
            now=clock,
            plan=plan or Plan(),
            limits=limits or EndpointLimits(),
            draw=lambda: 0.5,
            overdue=FakeOverdue(clock),
        )
        self.deliver = DeliverWebhook(apps, self.facts, self.attempt)

    @property
    def rows(self) -> list[Delivery]:
        """What stands in the table, in the events' order."""
        return sorted(self.deliveries.rows.values(), key=lambda row: (row.key.created_at, row.key.event_id))
