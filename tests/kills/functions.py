"""The functions of a played AWS: each a warm process, whose every invocation is a fork that can be killed."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from local.commands import ROOT

type When = Literal["before", "after"]


@dataclass(frozen=True)
class Kill:
    """Where an invocation ends: the first one of the step whose event holds `subject`."""

    step: str
    subject: str
    n: int
    when: When


@dataclass(frozen=True)
class Invocation:
    """One run of a handler. `answer` is None if it was killed, or raised."""

    step: str
    event: str
    calls: list[str]
    answer: Any
    error: str | None
    kill: Kill | None
    killed: bool


class Function:
    """One step's process."""

    def __init__(self, step: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.runner", step],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._lock = threading.Lock()
        assert self._process.stdin
        assert self._process.stdout
        self._orders, self._answers = self._process.stdin, self._process.stdout

    def wait_until_ready(self) -> None:
        said = self._answers.readline()
        assert "ready\n" == said, Path(self._log.name).read_text()

    def run(self, event: Any, kill: Kill | None) -> dict[str, Any]:
        with self._lock:
            self._orders.write(json.dumps({"event": event, "kill": kill and [kill.n, kill.when]}) + "\n")
            self._orders.flush()
            result: dict[str, Any] = json.loads(self._answers.readline())
        return result

    def end(self) -> None:
        self._orders.close()
        self._process.wait(10)
        self._answers.close()
        self._log.close()


class Functions:
    """All of them; keeps what was invoked."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        own = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        steps = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
        self._functions = {step: Function(step, {**own, **environment}, folder / f"{step}.log") for step in steps}
        self.invocations: list[Invocation] = []
        self._kills: list[Kill] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        try:
            for function in self._functions.values():
                function.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for function in self._functions.values():
            function.end()

    def arm(self, kill: Kill) -> None:
        self._kills.append(kill)

    def disarm(self) -> None:
        """Forget the kills that have not struck."""
        self._kills.clear()

    @property
    def armed(self) -> list[Kill]:
        """The kills that have not struck."""
        return list(self._kills)

    def invoke(self, step: str, event: Any) -> Invocation:
        text = json.dumps(event)
        with self._lock:
            kill = next((kill for kill in self._kills if kill.step == step and kill.subject in text), None)
            if kill:
                self._kills.remove(kill)
        result = self._functions[step].run(event, kill)
        invocation = Invocation(step, text, kill=kill, **result)
        assert invocation.error is None, invocation.error
        assert invocation.killed or kill is None, f"{kill} did not strike: {invocation.calls}"
        self.invocations.append(invocation)
        return invocation
