"""One stack, deployed from the real template, for all tests of this folder; its own, beside any that is up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.commands import ROOT
from local.stack import Stack, running_stack
from tests.stack.world import World

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the hook that opens loopback to what is marked
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack(ROOT / ".local/test-stack") as stack:
        yield stack


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    """The stack's surroundings; what a test scripted there is forgotten after it."""
    world = World(stack)
    yield world
    world.forget_scripts()
