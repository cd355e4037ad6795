"""manage_app: whom it refuses, and what becomes of two changes at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hkreach.domain.endpoint import MAX_ENDPOINTS, OPERATORS
from hkreach.domain.errors import ChangedMeanwhile, Conflict, NotFound, ReachError
from hkreach.usecases.manage_app import EndpointChange, ManageApp
from tests.builders import endpoint, hooks
from tests.usecases.app_house import NEW, OTHER_URL, REFUSED, AppHouse

CALLS: list[Callable[[ManageApp, str, str], object]] = [
    lambda calls, name, which: calls.endpoint(name, which),
    lambda calls, name, which: calls.change(name, which, EndpointChange(OTHER_URL)),
    lambda calls, name, which: calls.delete(name, which),
    lambda calls, name, which: calls.rotate(name, which, 0),
    lambda calls, name, which: calls.test(name, which),
    lambda calls, name, which: calls.pause(name, which),
    lambda calls, name, which: calls.resume(name, which),
]
IDS = ["show", "change", "delete", "rotate", "test", "pause", "resume"]


def test_nor_do_two_calls_at_once_make_a_sixth(shop: AppHouse) -> None:
    for _ in range(MAX_ENDPOINTS - 1):
        shop.create()
    shop.strike(lambda one: replace(one, endpoints={**one.endpoints, "we_5": endpoint("we_5")}))

    with pytest.raises(Conflict):
        shop.create()
    assert MAX_ENDPOINTS == len(shop.calls.endpoints("mystore"))


def test_an_address_that_is_another_by_now_is_not_put_back_untested(shop: AppHouse) -> None:
    endpoint_id = shop.create()
    moved = replace(shop.calls.endpoint("mystore", endpoint_id), url=OTHER_URL, state="unverified")
    shop.strike(lambda one: replace(one, endpoints=hooks(moved)))

    with pytest.raises(ChangedMeanwhile):
        shop.calls.change("mystore", endpoint_id, EndpointChange(NEW.url, description="CRM"))
    assert [moved] == shop.calls.endpoints("mystore")


def test_a_test_does_not_verify_an_address_that_came_meanwhile(shop: AppHouse) -> None:
    endpoint_id = shop.create(REFUSED)
    moved = replace(shop.calls.endpoint("mystore", endpoint_id), url=OTHER_URL)
    shop.strike(lambda one: replace(one, endpoints=hooks(moved)))

    tested, _ = shop.calls.test("mystore", endpoint_id)
    assert (OTHER_URL, "unverified") == (tested.url, tested.state)


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_what_is_not_the_apps_is_not_there(shop: AppHouse, call: Callable[[ManageApp, str, str], object]) -> None:
    endpoint_id = shop.create()
    shop.client.posted.clear()
    before = dict(shop.apps.apps)

    refusals = set()
    for name, which in (("other", endpoint_id), ("mystore", OPERATORS), ("mystore", ""), ("nobody", endpoint_id)):
        with pytest.raises(NotFound) as refused:
            call(shop.calls, name, which)
        refusals.add(refused.value.detail)
    assert (1, [], before) == (len(refusals), shop.client.posted, shop.apps.apps)


@pytest.mark.parametrize("call", CALLS[1:], ids=IDS[1:])
def test_a_change_by_somebody_else_meanwhile_is_kept(
    shop: AppHouse, call: Callable[[ManageApp, str, str], object]
) -> None:
    endpoint_id = shop.create(REFUSED if call is CALLS[4] else None)
    if call is CALLS[6]:
        shop.calls.pause("mystore", endpoint_id)
    shop.strike(lambda one: replace(one, language_code=one.language_code + "x"), times=4)
    shop.calls.endpoint("mystore", endpoint_id)

    call(shop.calls, "mystore", endpoint_id)
    assert "enxxxx" == shop.apps.apps["mystore"].language_code


@pytest.mark.parametrize("call", CALLS[1:], ids=IDS[1:])
def test_who_meets_too_many_changes_is_told_to_try_again(
    shop: AppHouse, call: Callable[[ManageApp, str, str], object]
) -> None:
    endpoint_id = shop.create(REFUSED if call is CALLS[4] else None)
    if call is CALLS[6]:
        shop.calls.pause("mystore", endpoint_id)
    before = shop.apps.apps["mystore"].endpoints
    shop.strike(lambda one: one, times=5)

    with pytest.raises(ChangedMeanwhile, match="try again"):
        call(shop.calls, "mystore", endpoint_id)
    assert before == shop.apps.apps["mystore"].endpoints


def test_an_endpoint_that_was_deleted_during_its_test_stays_deleted(shop: AppHouse) -> None:
    endpoint_id = shop.create(REFUSED)
    shop.strike(lambda one: replace(one, endpoints={}))

    with pytest.raises(NotFound):
        shop.calls.test("mystore", endpoint_id)
    assert [] == shop.calls.endpoints("mystore")


def test_all_errors_are_ones_that_are_answered() -> None:
    assert issubclass(ChangedMeanwhile, ReachError)
    assert ChangedMeanwhile.retryable
