"""What each function is told by its environment: one model a step, named like it. A wrong value fails the start."""

import os
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hkreach.domain.breaker import OpenTimes
from hkreach.domain.delivery import Plan
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.message import Lane
from hkreach.domain.number import Limits

type _Text = Annotated[str, Field(min_length=1)]
type _Stage = Literal["local", "dev", "prod"]
type _HostPorts = Annotated[frozenset[str], BeforeValidator(lambda text: frozenset(filter(None, text.split(","))))]
type _Seconds = Annotated[
    list[Annotated[float, Field(gt=0, le=604_800)]],
    Field(min_length=1, max_length=20),
    BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text),
]


class _Settings(BaseModel):
    """Field `apps_table` is read from `APPS_TABLE`."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises pydantic's ValidationError that names what is missing or wrong."""
        return cls.model_validate(dict(os.environ))


class _KnowsApps(_Settings):
    apps_table: _Text
    app_cache_seconds: Annotated[int, Field(ge=0, le=60)] = 60
    """How long an app, and so a revoked key, may be remembered."""


class _MayOpenLoopback(_Settings):
    stage: _Stage
    local_targets: _HostPorts = frozenset()
    """`host:port` of a developer's machine that webhooks go to and files come from; in the stage `local` only."""

    @model_validator(mode="after")
    def _only_on_a_developers_machine(self) -> Self:
        if self.local_targets and self.stage != "local":
            raise ValueError("LOCAL_TARGETS opens loopback and is for the stage local only")
        return self


class _PostsWebhooks(_KnowsApps, _MayOpenLoopback):
    answer_seconds: Annotated[float, Field(gt=0, le=15)] = 10
    """The total of one POST to an integrator's server."""


class _CallsMeta(_Settings):
    stage: _Stage
    graph_url: _Text
    graph_version: Annotated[str, Field(pattern=r"^v\d+\.\d+$")]
    halted_seconds: Annotated[int, Field(ge=1, le=3_600)] = 300
    """When an account that Meta refuses is tried again."""

    @model_validator(mode="after")
    def _tokens_go_encrypted(self) -> Self:
        if self.stage != "local" and not self.graph_url.startswith("https://"):
            raise ValueError("GRAPH_URL must begin with https:// outside the stage local: access tokens go there")
        return self


class AcceptMessageSettings(_KnowsApps, _MayOpenLoopback):
    """Of `accept_message`."""

    messages_table: _Text
    media_bucket: _Text


class ManageMediaSettings(_KnowsApps):
    """Of `manage_media`."""

    messages_table: _Text
    media_bucket: _Text


class ManageAppSettings(_PostsWebhooks):
    """Of `manage_app`."""

    secrets_key_id: _Text
    deliveries_table: _Text
    messages_table: _Text


class ManageLeadsSettings(_KnowsApps, _MayOpenLoopback):
    """Of `manage_leads`."""

    leads_table: _Text


class ReadMessageSettings(_KnowsApps):
    """Of `read_message`."""

    messages_table: _Text


class _Sends(_Settings):
    send_now_queue_url: _Text
    send_bulk_queue_url: _Text
    media_queue_url: _Text

    @property
    def send_queue_urls(self) -> dict[Lane, str]:
        """The queue of each lane."""
        return {"now": self.send_now_queue_url, "bulk": self.send_bulk_queue_url, "media": self.media_queue_url}


class RelayOutboxSettings(_Sends):
    """Of `relay_outbox`."""


class _UploadsToMeta(_KnowsApps, _Sends, _CallsMeta):
    messages_table: _Text
    numbers_table: _Text
    media_bucket: _Text
    upload_seconds: int
    retry_base_seconds: Annotated[float, Field(gt=0)] = 2
    retry_longest_seconds: Annotated[float, Field(gt=0, le=3_600)] = 900

    @property
    def upload_milliseconds(self) -> int:
        """How long others wait for an upload before one of them makes it: longer than it may take."""
        return (self.upload_seconds + 5) * 1_000


class FetchMediaSettings(_UploadsToMeta, _MayOpenLoopback):
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


class SendMessageSettings(_UploadsToMeta):
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


class ReceiveMetaSettings(_KnowsApps):
    """Of `receive_meta`."""

    messages_table: _Text
    numbers_table: _Text
    meta_app_parameters: _Text
    """The prefix of the SSM parameters that hold the Meta app's secrets."""


class RelayEventsSettings(_Settings):
    """Of `relay_events`."""

    event_bus_name: _Text
    messages_table: _Text
    leads_table: _Text
    lead_queue_url: _Text
    lead_cache_seconds: Annotated[int, Field(ge=0, le=3_600)] = 60
    """How long it is remembered that a customer has a lead: so long one that was erased is not made anew."""


class WakeDueSettings(_KnowsApps, _Sends):
    """Of `wake_due`."""

    messages_table: _Text
    leads_table: _Text
    deliveries_table: _Text
    webhook_retry_queue_url: _Text
    backlog_per_second: Annotated[float, Field(gt=0, le=100)] = 5
    """How many of an endpoint's waiting deliveries go when it gets something again."""


class DeliverWebhookSettings(_PostsWebhooks):
    """Of `deliver_webhook`."""

    webhook_retry_queue_url: _Text
    deliveries_table: _Text
    messages_table: _Text
    event_bus_name: _Text
    retry_waits_seconds: _Seconds | None = None
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
            probe=round(self.answer_seconds * 1_000) + 5_000,
            opens=OpenTimes(self.breaker_first_seconds, self.breaker_longest_seconds),
            suspect_after=round(self.suspect_seconds * 1_000),
            slow_after=round(self.slow_seconds * 1_000),
            slow_for=round(self.slow_for_seconds * 1_000),
        )


class AdministerSettings(_KnowsApps, _MayOpenLoopback):
    """Of `administer`."""

    secrets_key_id: _Text
    meta_app_parameters: _Text
    messages_table: _Text
    numbers_table: _Text
    deliveries_table: _Text
    send_now_queue_url: _Text
    send_dead_letter_queue_url: _Text
    media_queue_url: _Text
    media_dead_letter_queue_url: _Text
    webhook_queue_url: _Text
    webhook_dead_letter_queue_url: _Text
