"""stack.json: what people and programs read of a running stack."""

import json
import stat
from pathlib import Path

import pytest

from local.stack import App, Stack
from local.stack.description import aws_client, read_stack

APP = App("demo_store", "hkr_live_x", "1", "2", "EAA", "http://127.0.0.1:3/hooks/demo_store", "whsec_x")
STACK = Stack(
    api_url="http://127.0.0.1:1/api",
    meta_callback_url="http://127.0.0.1:1/meta/",
    graph_url="http://127.0.0.1:2",
    inbox_url="http://127.0.0.1:3",
    meta_app_secret="s",
    verify_token="v",
    aws_endpoint_url="http://127.0.0.1:1",
    aws_region="us-east-1",
    stack_name="hk-reach-local",
    apps=[APP],
    outputs={"ApiId": "a"},
    fingerprint="f",
)


def test_it_holds_what_was_promised(tmp_path: Path) -> None:
    STACK.write(tmp_path / "stack.json")
    described = json.loads((tmp_path / "stack.json").read_text(encoding="utf-8"))
    addresses = {"apiUrl", "metaCallbackUrl", "graphUrl", "inboxUrl", "awsEndpointUrl"}
    assert addresses | {"metaAppSecret", "verifyToken", "stackName", "apps"} <= set(described)
    assert described["apps"] == [
        {
            "appName": "demo_store",
            "apiKey": "hkr_live_x",
            "phoneNumberId": "1",
            "wabaId": "2",
            "accessToken": "EAA",
            "webhookUrl": "http://127.0.0.1:3/hooks/demo_store",
            "webhookSecret": "whsec_x",
        }
    ]


def test_it_reads_back_as_it_was(tmp_path: Path) -> None:
    STACK.write(tmp_path / "stack.json")
    assert read_stack(tmp_path / "stack.json") == STACK


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    STACK.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "", "[]", '{"apiUrl": 1}'])
def test_one_of_another_form_is_no_stack(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "stack.json").write_text(content, encoding="utf-8")
    assert read_stack(tmp_path / "stack.json") is None


def test_clients_do_not_look_at_the_users_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "one that does not exist")
    assert aws_client("http://127.0.0.1:1", "sqs").meta.endpoint_url == "http://127.0.0.1:1"
