"""Production handlers in processes of their own on a local AWS, to be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.commands import ROOT
from tests.kills.played import Played, played

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the hook that opens loopback to what is marked
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="module")
def running() -> Iterator[Played]:
    with played(ROOT / ".local/kills") as stack:
        yield stack


@pytest.fixture
def stack(running: Played) -> Iterator[Played]:
    """The module's stack; kills and scripts of a test that failed are forgotten after it."""
    yield running
    running.functions.disarm()
    running.callbacks_are_held.clear()
    running.world.forget_scripts()
