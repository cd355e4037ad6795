"""How the local stack calls `sam deploy`, and what it reads from it."""

import pytest

from local.commands import last_lines
from local.stack.deployment import function_url_id, reasons, sam_environment, settings_of


@pytest.mark.parametrize("overrides", ['["Stage=local", "CallSeconds=5"]', '"Stage=local CallSeconds=5"'])
def test_the_parameters_of_local_are_read_in_both_spellings(overrides: str) -> None:
    samconfig = (
        '[local.global.parameters]\nstack_name = "here"\n[local.deploy.parameters]\n'
        f"parameter_overrides = {overrides}\n"
    )
    assert settings_of(samconfig, "local") == ("here", {"Stage": "local", "CallSeconds": "5"})


def test_a_function_url_is_found_by_its_id() -> None:
    assert function_url_id("https://abc123.lambda-url.us-east-1.on.aws/") == "abc123"


def test_a_failed_deploy_is_told_by_the_lines_that_say_why() -> None:
    output = "Waiting\nCREATE_FAILED  Queue  no such property\nmore\nError: Failed to create\n"
    assert reasons(output) == "CREATE_FAILED  Queue  no such property\nError: Failed to create"
    assert reasons("one\n\ntwo\n") == "one\ntwo"


def test_colours_are_no_part_of_a_reason() -> None:
    assert last_lines("\x1b[31mred\x1b[0m\n") == "red"


def test_nothing_of_the_users_own_account_reaches_sam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    environment = sam_environment("http://127.0.0.1:1")
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN"}.isdisjoint(environment)
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
