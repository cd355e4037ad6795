"""What each function is told by its environment: one model a step, named like it. A wrong value fails the start."""

from typing import Annotated

from pydantic import Field

from hkreach.domain.breaker import OpenTimes
from hkreach.domain.delivery import Plan
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.number import Limits
from hkreach.settings_parts import (
    FromEnvironment,
    KnowsApps,
    MayOpenLoopback,
    PostsWebhooks,
    Seconds,
    Sends,
    Text,
    UploadsToMeta,
)


class AcceptMessageSettings(KnowsApps, MayOpenLoopback):
    """Of `accept_message`."""

    messages_table: Text
    media_bucket: Text


class ManageMediaSettings(KnowsApps):
    """Of `manage_media`."""

    messages_table: Text
    media_bucket: Text


class ManageAppSettings(PostsWebhooks):
    """Of `manage_app`."""

    secrets_key_id: Text
    deliveries_table: Text


class ManageLeadsSettings(KnowsApps, MayOpenLoopback):
    """Of `manage_leads`."""

    leads_table: Text


class ReadMessageSettings(KnowsApps):
    """Of `read_message`."""

    messages_table: Text


class RelayOutboxSettings(Sends):
    """Of `relay_outbox`."""


class FetchMediaSettings(UploadsToMeta, MayOpenLoopback):
    """Of `fetch_media`."""

    fetch_seconds: Annotated[int, Field(ge=1, le=120)] = 60
    """The total of one fetch, from the first lookup to the last byte."""
    upload_seconds: Annotated[int, Field(ge=1, le=120)] = 60
    """The total of one upload to Meta."""
    give_up_seconds: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    """How long an address that keeps failing is tried again."""
    received_give_up_seconds: Annotated[int, Field(ge=1, le=604_800)] = 600
    """How long a customer's message is held back for its file, if Meta does not give it."""

    @property
    def fetch_milliseconds(self) -> int:
        """What an invocation must have left to begin a fetch: more than it may take, for the writes after it."""
        return (self.fetch_seconds + 5) * 1_000


class SendMessageSettings(UploadsToMeta):
    """Of `send_message`."""

    call_seconds: Annotated[int, Field(ge=1, le=30)] = 20
    """The total of one call that sends a message, connecting included. Its claim lasts five seconds longer."""
    upload_seconds: Annotated[int, Field(ge=1, le=30)] = 30
    """The total of one upload: of the function's minute, what the claim and five seconds for all else leave."""
    patience_seconds: Annotated[float, Field(ge=0, le=10)] = 3
    """How long a sender holds a message until its number has room for it; a one-time code twice as long."""
    breaker_first_seconds: Annotated[float, Field(gt=0, le=3_600)] = 15
    """How long a breaker stays open at first; it doubles with each opening in a row."""
    breaker_longest_seconds: Annotated[float, Field(gt=0, le=3_600)] = 300

    @property
    def claim_milliseconds(self) -> int:
        """A claim, and a probe: longer than the call, so that this invocation lives to write the outcome."""
        return (self.call_seconds + 5) * 1_000

    @property
    def limits(self) -> Limits:
        """What the senders share."""
        return Limits(
            probe=self.claim_milliseconds,
            halted=self.halted_seconds,
            patience=round(self.patience_seconds * 1_000),
            opens=OpenTimes(self.breaker_first_seconds, self.breaker_longest_seconds),
        )


class ReceiveMetaSettings(KnowsApps):
    """Of `receive_meta`."""

    messages_table: Text
    numbers_table: Text
    status_queue_url: Text
    meta_app_parameters: Text
    """The prefix of the SSM parameters that hold the Meta app's secrets."""
    halted_seconds: Annotated[int, Field(ge=1, le=3_600)] = 300
    """How long a late refusal of the account stops its number, as in `send_message`."""

    @property
    def limits(self) -> Limits:
        """The senders': nothing is sent here, so that only the halt counts."""
        return Limits(probe=0, halted=self.halted_seconds)


class RelayEventsSettings(FromEnvironment):
    """Of `relay_events`."""

    event_bus_name: Text
    messages_table: Text
    leads_table: Text
    lead_queue_url: Text
    lead_cache_seconds: Annotated[int, Field(ge=0, le=3_600)] = 60
    """How long it is remembered that a customer has a lead: so long one that was erased is not made anew."""


class WakeDueSettings(KnowsApps, Sends):
    """Of `wake_due`."""

    messages_table: Text
    leads_table: Text
    deliveries_table: Text
    webhook_retry_queue_url: Text
    backlog_per_second: Annotated[float, Field(gt=0, le=100)] = 5
    """How many of an endpoint's waiting deliveries go when it gets something again."""


class DeliverWebhookSettings(PostsWebhooks):
    """Of `deliver_webhook`."""

    webhook_retry_queue_url: Text
    deliveries_table: Text
    event_bus_name: Text
    retry_waits_seconds: Seconds | None = None
    """After each failed try; one more try than waits. None: the plan of ten tries in 75 hours."""
    least_wait_seconds: Annotated[float, Field(ge=0, le=3_600)] = 60
    """After no answer, and after 429."""
    patience_seconds: Annotated[float, Field(gt=0)] = 432_000
    """How long an endpoint may fail until it is disabled."""
    breaker_first_seconds: Annotated[float, Field(gt=0, le=3_600)] = 30
    """How long its breaker stays open at first; it doubles with each opening in a row."""
    breaker_longest_seconds: Annotated[float, Field(gt=0, le=3_600)] = 1_800
    suspect_seconds: Annotated[float, Field(gt=0, le=15)] = 1
    """A POST that is not answered by then puts its endpoint on the slow lane until it is."""
    slow_seconds: Annotated[float, Field(gt=0, le=15)] = 3
    """A POST that takes so long puts it there for the next minutes."""
    slow_for_seconds: Annotated[float, Field(gt=0, le=3_600)] = 300
    """How long that is."""

    @property
    def plan(self) -> Plan:
        """When a delivery is tried again."""
        least = round(self.least_wait_seconds * 1_000)
        if self.retry_waits_seconds is None:
            return Plan(least_after_silence=least)
        return Plan([round(seconds * 1_000) for seconds in self.retry_waits_seconds], least_after_silence=least)

    @property
    def limits(self) -> EndpointLimits:
        """What those who deliver to an endpoint share."""
        return EndpointLimits(
            patience=round(self.patience_seconds * 1_000),
            longest_wait=self.plan.longest,
            probe=round(self.answer_seconds * 1_000) + 5_000,
            opens=OpenTimes(self.breaker_first_seconds, self.breaker_longest_seconds),
            suspect_after=round(self.suspect_seconds * 1_000),
            slow_after=round(self.slow_seconds * 1_000),
            slow_for=round(self.slow_for_seconds * 1_000),
        )


class AdministerSettings(KnowsApps, MayOpenLoopback, Sends):
    """Of `administer`."""

    secrets_key_id: Text
    meta_app_parameters: Text
    messages_table: Text
    numbers_table: Text
    deliveries_table: Text
    send_dead_letter_queue_url: Text
    media_dead_letter_queue_url: Text
    webhook_queue_url: Text
    webhook_dead_letter_queue_url: Text
    lead_queue_url: Text
    lead_dead_letter_queue_url: Text
    status_queue_url: Text
    status_dead_letter_queue_url: Text
