"""What the settings of several steps share; each step's own stand in `settings`."""

import os
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hkreach.domain.message import Lane

type Text = Annotated[str, Field(min_length=1)]
type Stage = Literal["local", "dev", "prod"]
type HostPorts = Annotated[frozenset[str], BeforeValidator(lambda text: frozenset(filter(None, text.split(","))))]
type Seconds = Annotated[
    list[Annotated[float, Field(gt=0, le=604_800)]],
    Field(min_length=1, max_length=20),
    BeforeValidator(lambda text: text.split(",") if isinstance(text, str) else text),
]


class FromEnvironment(BaseModel):
    """Field `apps_table` is read from `APPS_TABLE`."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process. Raises pydantic's ValidationError that names what is missing or wrong."""
        return cls.model_validate(dict(os.environ))


class KnowsApps(FromEnvironment):
    """Who reads the apps table."""

    apps_table: Text
    app_cache_seconds: Annotated[float, Field(ge=0, le=60)] = 60
    """How long an app, and so a revoked key, may be remembered."""


class MayOpenLoopback(FromEnvironment):
    """Who calls addresses that customers gave."""

    stage: Stage
    local_targets: HostPorts = frozenset()
    """`host:port` of a developer's machine that webhooks go to and files come from; in the stage `local` only."""

    @model_validator(mode="after")
    def _only_on_a_developers_machine(self) -> Self:
        if self.local_targets and self.stage != "local":
            raise ValueError("LOCAL_TARGETS opens loopback and is for the stage local only")
        return self


class PostsWebhooks(KnowsApps, MayOpenLoopback):
    """Who posts to webhook endpoints."""

    answer_seconds: Annotated[float, Field(gt=0, le=15)] = 10
    """The total of one POST to an integrator's server."""
    messages_table: Text
    leads_table: Text

    @property
    def fact_tables(self) -> tuple[str, str]:
        """The tables of what events are made of anew: messages, leads."""
        return self.messages_table, self.leads_table


class CallsMeta(FromEnvironment):
    """Who calls Meta's Graph API."""

    stage: Stage
    graph_url: Text
    graph_version: Annotated[str, Field(pattern=r"^v\d+\.\d+$")]
    halted_seconds: Annotated[int, Field(ge=1, le=3_600)] = 300
    """When an account that Meta refuses is tried again."""

    @model_validator(mode="after")
    def _tokens_go_encrypted(self) -> Self:
        if self.stage != "local" and not self.graph_url.startswith("https://"):
            raise ValueError("GRAPH_URL must begin with https:// outside the stage local: access tokens go there")
        return self


class Sends(FromEnvironment):
    """Who puts messages on the send queues."""

    send_now_queue_url: Text
    send_bulk_queue_url: Text
    media_queue_url: Text

    @property
    def send_queue_urls(self) -> dict[Lane, str]:
        """The queue of each lane."""
        return {"now": self.send_now_queue_url, "bulk": self.send_bulk_queue_url, "media": self.media_queue_url}


class UploadsToMeta(KnowsApps, Sends, CallsMeta):
    """Who gives files to Meta."""

    messages_table: Text
    numbers_table: Text
    media_bucket: Text
    upload_seconds: int
    retry_base_seconds: Annotated[float, Field(gt=0)] = 2
    retry_longest_seconds: Annotated[float, Field(gt=0, le=3_600)] = 900

    @property
    def upload_milliseconds(self) -> int:
        """How long others wait for an upload before one of them makes it: longer than it may take."""
        return (self.upload_seconds + 5) * 1_000
