"""Sockets are closed to tests (`--disable-socket`); the markers `loopback` and `stack` open this machine's own."""

import pytest
from hypothesis import settings

_THIS_MACHINE = ["127.0.0.1", "::1", "localhost"]

# Shared CI cores are slow now and then: a slow example says nothing about the code.
settings.register_profile("hkreach", deadline=None)
settings.load_profile("hkreach")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("loopback") or item.get_closest_marker("stack"):
            item.add_marker(pytest.mark.allow_hosts(_THIS_MACHINE))
