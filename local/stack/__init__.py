"""The local stack: MiniStack as AWS, a simulated Meta and an inbox, with the real template deployed between them."""

from local.stack.description import App, Stack
from local.stack.lifecycle import Wanted, bring_up, running_stack, take_down
from local.stack.ports import Ports

__all__ = ["App", "Ports", "Stack", "Wanted", "bring_up", "running_stack", "take_down"]
