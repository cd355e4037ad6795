"""Calls programs on this machine: never through a proxy, whatever the environment says of proxies."""

from typing import Any

import requests

from local.progress import CommandError

SECONDS = 30.0


def open_session() -> requests.Session:
    """Return a session that takes neither proxies nor passwords from the user's environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def call(method: str, url: str, body: Any = None) -> Any:
    """Call one of our own programs and return the JSON that it answers; anything but 2xx is a CommandError."""
    with open_session() as session:
        try:
            answer = session.request(method, url, json=body, timeout=SECONDS)
        except requests.RequestException as error:
            raise CommandError(f"{method} {url} was not answered: {error}") from error
    if not answer.ok:
        raise CommandError(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with 2xx."""
    with open_session() as session:
        try:
            return session.get(url, timeout=2).ok
        except requests.RequestException:
            return False
