"""What the variables of make ask of the local stack."""

import pytest

from local.commands import ROOT
from local.progress import CommandError
from local.stack import Ports, Wanted
from local.stack.__main__ import read_wishes
from local.stack.lifecycle import local_target


def test_nothing_asked_for_is_the_usual_stack() -> None:
    assert read_wishes({"AWS_PORT": "", "GRAPH_URL": ""}) == Wanted(state_dir=ROOT / ".local")


def test_everything_asked_for() -> None:
    variables = {
        "AWS_PORT": "5000",
        "META_PORT": "0",
        "GRAPH_URL": "http://127.0.0.1:9001/",
        "WEBHOOK_URL": "http://127.0.0.1:9002/hook/",
        "STATE_DIR": ".local/other",
    }
    expected = Wanted(
        ROOT / ".local/other", Ports(5000, 0, None), "http://127.0.0.1:9001", "http://127.0.0.1:9002/hook/"
    )
    assert expected == read_wishes(variables)


@pytest.mark.parametrize("text", ["x", "-1", "65536", "4566a"])
def test_a_port_must_be_one(text: str) -> None:
    with pytest.raises(CommandError, match=r"^AWS_PORT must be a port"):
        read_wishes({"AWS_PORT": text})


@pytest.mark.parametrize("text", ["localhost:9000", "ftp://host", "http://", "http://host:port"])
def test_an_address_must_be_one(text: str) -> None:
    with pytest.raises(CommandError, match=r"^WEBHOOK_URL must be an address"):
        read_wishes({"WEBHOOK_URL": text})


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:4580", "127.0.0.1:4580"),
        ("http://localhost/hooks", "localhost:80"),
        ("https://127.0.0.2/hooks", "127.0.0.2:443"),
        ("http://[::1]:9000/", "[::1]:9000"),
        ("https://example.com/hooks", ""),
        ("http://127.example.com/hooks", ""),
        ("http://10.0.0.1:9000/", ""),
    ],
)
def test_only_loopback_is_opened_to_webhooks(url: str, target: str) -> None:
    assert target == local_target(url)
