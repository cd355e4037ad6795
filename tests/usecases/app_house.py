"""An app that manages its own webhook endpoints, with fakes for all around it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hkreach.domain.app import App
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.manage_app import ManageApp, NewEndpoint
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

NEW = NewEndpoint("https://crm.example.com/hooks", frozenset({"leads.status"}), "Our CRM")
OTHER_URL = "https://erp.example.com/hooks"
REFUSED = Answer(401, body=b"who are you?")


@dataclass
class AppHouse:
    apps: FakeApps
    clock: FakeClock
    client: FakeWebhookClient = field(default_factory=FakeWebhookClient)
    secrets: FakeSealedSecrets = field(default_factory=FakeSealedSecrets)

    @property
    def calls(self) -> ManageApp:
        return ManageApp(self.apps, self.secrets, self.client, self.clock)

    def create(self, answer: Answer | None = None) -> str:
        """The id of an endpoint whose server says so to the test event."""
        self.client.answers = [answer or Answer(200)]
        return self.calls.create("mystore", NEW)[0].endpoint_id

    def opened(self, sealed: bytes | None) -> str:
        assert sealed is not None
        return self.secrets.open("mystore", "webhook_secret", sealed)

    def strike(self, change: Callable[[App], App], times: int = 1) -> None:
        """Somebody else changes the app, before each of so many writes to come."""
        replace_app = self.apps.replace

        def meanwhile(before: App, after: App) -> None:
            nonlocal times
            if times:
                times -= 1
                now = self.apps.apps["mystore"]
                self.apps.apps["mystore"] = replace(change(now), version=now.version + 1)
            replace_app(before, after)

        self.apps.replace = meanwhile  # type: ignore[method-assign]
