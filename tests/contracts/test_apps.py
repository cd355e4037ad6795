"""Apps: kept whole; a name and a number belong to one app; two changes at once cannot hide one another."""

from dataclasses import replace

import pytest

from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.domain.app import App, MetaAccount
from hkreach.domain.errors import Conflict
from hkreach.ports import Apps
from tests.aws import APPS_TABLE, aws
from tests.builders import NOW, NUMBER, OTHER_NUMBER, app, endpoint, hooks

ROTATED = endpoint(
    "we_0123456789abcdefghijkl", events=frozenset({"leads.status"}), description="Leads ☕", state="paused",
    old_secret=b"old", old_secret_until=NOW,
)  # fmt: skip
OTHER_ACCOUNT = MetaAccount(OTHER_NUMBER, "w", b"sealed")


@pytest.mark.parametrize(
    "given",
    [
        app(),
        app(meta=None, endpoints={}, keys={}),
        app(endpoints=hooks(endpoint(secret=None))),
        app(endpoints=hooks(endpoint(), ROTATED)),
        app(unknown_policy="resend", resend_after_seconds=600),
        app(keys={"a" * 10: "1" * 64, "b" * 10: "2" * 64}, version=7),
    ],
    ids=["usual", "bare", "webhook without a secret", "two endpoints, one in rotation", "unknown policy", "two keys"],
)
def test_what_was_added_is_read_back(apps: Apps, given: App) -> None:
    apps.add(given)

    assert given == apps.get("mystore")
    assert given == apps.get_fresh("mystore")


def test_an_app_that_was_never_added_is_not_there(apps: Apps) -> None:
    assert apps.get("mystore") is None
    assert apps.get_fresh("mystore") is None


def test_an_app_added_after_it_was_asked_for_is_found_at_once(apps: Apps) -> None:
    apps.get("mystore")
    apps.add(app())

    assert app() == apps.get("mystore")


def test_a_name_is_taken_once(apps: Apps) -> None:
    apps.add(app())

    with pytest.raises(Conflict):
        apps.add(app(meta=OTHER_ACCOUNT))
    assert app() == apps.get_fresh("mystore")
    assert apps.name_of_number(OTHER_NUMBER) is None


def test_a_number_belongs_to_one_app(apps: Apps) -> None:
    apps.add(app())

    with pytest.raises(Conflict):
        apps.add(app("other"))
    assert apps.get_fresh("other") is None
    assert "mystore" == apps.name_of_number(NUMBER)


def test_a_number_of_no_app(apps: Apps) -> None:
    assert apps.name_of_number(NUMBER) is None


def test_a_change_is_read_back_with_its_version(apps: Apps) -> None:
    apps.add(app())
    changed = replace(app(), endpoints={}, version=2)

    apps.replace(app(), changed)

    assert changed == apps.get("mystore")
    assert changed == apps.get_fresh("mystore")


def test_of_two_changes_from_the_same_state_the_second_is_refused(apps: Apps) -> None:
    apps.add(app())
    first, second = (replace(app(), keys={key: "3" * 64}, version=2) for key in ("first", "second"))
    apps.replace(app(), first)

    with pytest.raises(Conflict):
        apps.replace(app(), second)
    assert first == apps.get_fresh("mystore")


def test_an_app_that_is_not_there_cannot_be_changed(apps: Apps) -> None:
    with pytest.raises(Conflict):
        apps.replace(app(), replace(app(), version=2))
    assert apps.get_fresh("mystore") is None


def test_a_new_number_is_taken_and_the_old_one_set_free(apps: Apps) -> None:
    apps.add(app())
    apps.replace(app(), replace(app(), meta=OTHER_ACCOUNT, version=2))

    assert "mystore" == apps.name_of_number(OTHER_NUMBER)
    apps.add(app("other"))
    assert app("other") == apps.get_fresh("other")


def test_another_apps_number_cannot_be_taken_by_a_change(apps: Apps) -> None:
    apps.add(app())
    other = app("other", meta=OTHER_ACCOUNT)
    apps.add(other)

    with pytest.raises(Conflict):
        apps.replace(other, replace(other, meta=MetaAccount(NUMBER, "w", b"sealed"), version=2))
    assert other == apps.get_fresh("other")
    assert "mystore" == apps.name_of_number(NUMBER)


def test_the_same_number_with_a_new_token_is_no_conflict(apps: Apps) -> None:
    apps.add(app())
    changed = replace(app(), meta=MetaAccount(NUMBER, "w", b"another token"), version=2)

    apps.replace(app(), changed)

    assert changed == apps.get_fresh("mystore")
    assert "mystore" == apps.name_of_number(NUMBER)


def test_a_number_can_be_given_up(apps: Apps) -> None:
    apps.add(app())
    apps.replace(app(), replace(app(), meta=None, version=2))

    apps.add(app("other"))
    assert "other" == apps.name_of_number(NUMBER)


@pytest.mark.usefixtures("imitated_aws")
class TestWhatTheTableRemembers:
    """Of the real adapter only: the fake remembers nothing."""

    def test_an_app_is_remembered_but_fresh_is_fresh(self) -> None:
        here, elsewhere = (DynamoDBApps(aws("dynamodb"), APPS_TABLE, 60) for _ in range(2))
        here.add(app())
        here.get("mystore")
        revoked = replace(app(), keys={}, version=2)
        elsewhere.replace(app(), revoked)

        assert app() == here.get("mystore")
        assert revoked == here.get_fresh("mystore")
        assert revoked == here.get("mystore"), "what was read fresh is what is remembered"

    def test_with_no_memory_every_read_is_fresh(self) -> None:
        here, elsewhere = (DynamoDBApps(aws("dynamodb"), APPS_TABLE, 0) for _ in range(2))
        here.add(app())
        assert app() == here.get("mystore")
        assert "mystore" == here.name_of_number(NUMBER)

        elsewhere.replace(app(), replace(app(), meta=None, version=2))

        assert here.name_of_number(NUMBER) is None
        assert replace(app(), meta=None, version=2) == here.get("mystore")

    def test_a_number_is_not_remembered_for_it_may_have_moved_to_another_app(self) -> None:
        here, elsewhere = (DynamoDBApps(aws("dynamodb"), APPS_TABLE, 60) for _ in range(2))
        here.add(app())
        assert "mystore" == here.name_of_number(NUMBER)

        elsewhere.replace(app(), replace(app(), meta=None, version=2))

        assert here.name_of_number(NUMBER) is None

    def test_the_one_webhook_of_an_app_from_before_there_were_endpoints_is_the_operators(self) -> None:
        apps = DynamoDBApps(aws("dynamodb"), APPS_TABLE, 0)
        apps.add(app(endpoints={}))
        webhook = {"M": {"url": {"S": endpoint().url}, "secret": {"B": b"sealed secret"}}}
        aws("dynamodb").update_item(
            TableName=APPS_TABLE,
            Key={"pk": {"S": "app#mystore"}},
            UpdateExpression="REMOVE endpoints SET webhook = :webhook",
            ExpressionAttributeValues={":webhook": webhook},
        )

        found = apps.get_fresh("mystore")
        assert found is not None
        assert app(endpoints=hooks(endpoint())) == found
        apps.replace(found, replace(found, endpoints={}, version=2))
        assert app(endpoints={}, version=2) == apps.get_fresh("mystore")

    def test_a_cancelled_transaction_that_is_nobodys_fault_is_raised(self) -> None:
        apps = DynamoDBApps(aws("dynamodb"), "no-such-table", 60)

        with pytest.raises(aws("dynamodb").exceptions.ResourceNotFoundException):
            apps.add(app())
