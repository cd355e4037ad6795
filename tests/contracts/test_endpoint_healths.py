"""The contract of the endpoints' health: changed by one at a time, and found when somebody is to look after it."""

from dataclasses import replace

import pytest

from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth, EndpointLimits
from hkreach.domain.webhook_answer import Answer
from hkreach.ports import Contended
from hkreach.ports.deliveries import EndpointHealths
from tests.aws import DELIVERIES_TABLE, aws, items
from tests.builders import NOW
from tests.fakes.deliveries import FakeEndpointHealths

SHOP, OTHER = EndpointKey("mystore", "we_operator"), EndpointKey("mystore", "we_0123456789abcdefghij_-")
LIMITS = EndpointLimits()


@pytest.fixture(params=["fake", "dynamodb"])
def healths(request: pytest.FixtureRequest) -> EndpointHealths:
    if request.param == "fake":
        return FakeEndpointHealths()
    request.getfixturevalue("imitated_aws")
    return _real()


def _real() -> DynamoDBEndpointHealths:
    return DynamoDBEndpointHealths(aws("dynamodb"), DELIVERIES_TABLE)


def _fail(health: EndpointHealth) -> tuple[EndpointHealth, EndpointHealth]:
    after = health.failed(NOW, Answer(None), LIMITS)
    return after, after


def test_an_endpoint_of_which_nothing_is_known_is_well(healths: EndpointHealths) -> None:
    assert EndpointHealth() == healths.look(SHOP)
    assert "go" == healths.change(SHOP, lambda health: health.admit(NOW, LIMITS))


def test_every_field_is_read_as_it_was_written(healths: EndpointHealths) -> None:
    for _ in range(2):
        told = healths.change(SHOP, _fail)
    assert told == healths.look(SHOP)
    everything = replace(
        told, drain_began=1, drained_to="d#", ending=True, disabled_at=2, why="410", wake_at=3, quick=2
    )
    everything = replace(everything, slow_until=4)
    healths.change(SHOP, lambda health: (everything, None))

    assert everything == healths.look(SHOP)
    assert EndpointHealth() == healths.look(OTHER)


def test_those_to_be_looked_after_are_found(healths: EndpointHealths) -> None:
    for endpoint, at in ((SHOP, NOW + 5), (OTHER, NOW)):
        healths.change(endpoint, lambda health, at=at: (health.drained(at), None))  # type: ignore[misc]

    assert ([OTHER], [OTHER, SHOP]) == (list(healths.due(NOW + 4, 9)), list(healths.due(NOW + 5, 9)))
    healths.change(OTHER, lambda health: (health.paused(), None))
    assert [SHOP] == healths.due(NOW + 5, 9)


def test_of_two_processes_none_overwrites_the_other(imitated_aws: None) -> None:
    one, other = _real(), _real()
    one.look(SHOP), other.look(SHOP)
    for each in (one, other, one):
        each.change(SHOP, _fail)

    assert 1 == _real().look(SHOP).breaker.opens
    assert {"N": "2"} == items(DELIVERIES_TABLE)[0]["version"], "what comes while it is open changes nothing"


def test_only_one_of_two_is_the_probe(imitated_aws: None) -> None:
    one, other = _real(), _real()
    for _ in range(2):
        one.change(SHOP, _fail)
    one.look(SHOP), other.look(SHOP)
    later = NOW + 30_000

    assert ["probe", "breaker"] == [each.change(SHOP, lambda h: h.admit(later, LIMITS)) for each in (one, other)]


def test_who_is_always_too_late_gives_up(imitated_aws: None) -> None:
    late, quick = _real(), _real()

    def decide(health: EndpointHealth) -> tuple[EndpointHealth, None]:
        quick.change(SHOP, lambda other: (other.drained((other.wake_at or 0) + 1), None))
        return health.drained(0), None

    with pytest.raises(Contended):
        late.change(SHOP, decide)


def test_a_healthy_endpoint_is_read_once_and_never_written(imitated_aws: None) -> None:
    calls: list[str] = []
    client = aws("dynamodb")
    client.meta.events.register("before-call", lambda model, **_: calls.append(model.name), unique_id="counted")
    try:
        healths = _real()
        for _ in range(5):
            healths.look(SHOP)
            healths.change(SHOP, lambda health: (health.succeeded(NOW), None))
    finally:
        client.meta.events.unregister("before-call", unique_id="counted")

    assert ["GetItem"] == calls
