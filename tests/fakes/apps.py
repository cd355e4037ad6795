"""The apps table in memory."""

from hkreach.domain.app import App
from hkreach.domain.errors import Conflict
from tests.fakes.faults import Faulty


class FakeApps(Faulty):
    """Implements the port `Apps`; it remembers nothing longer than a call."""

    def __init__(self, *apps: App) -> None:
        super().__init__()
        self.apps: dict[str, App] = {}
        self.numbers: dict[str, str] = {}
        for app in apps:
            self.add(app)

    def get(self, app_name: str) -> App | None:
        self._called("get")
        return self.apps.get(app_name)

    def get_fresh(self, app_name: str) -> App | None:
        self._called("get_fresh")
        return self.apps.get(app_name)

    def name_of_number(self, phone_number_id: str) -> str | None:
        self._called("name_of_number")
        return self.numbers.get(phone_number_id)

    def add(self, app: App) -> None:
        self._called("add")
        if app.app_name in self.apps:
            raise Conflict("taken")
        self._take_number(app)
        self.apps[app.app_name] = app

    def replace(self, before: App, after: App) -> None:
        self._called("replace")
        current = self.apps.get(before.app_name)
        if current is None or current.version != before.version:
            raise Conflict("changed meanwhile")
        self._take_number(after)
        if before.meta and (after.meta is None or after.meta.phone_number_id != before.meta.phone_number_id):
            self.numbers.pop(before.meta.phone_number_id, None)
        self.apps[after.app_name] = after

    def _take_number(self, app: App) -> None:
        if app.meta is None:
            return
        if self.numbers.get(app.meta.phone_number_id, app.app_name) != app.app_name:
            raise Conflict("the number is another app's")
        self.numbers[app.meta.phone_number_id] = app.app_name
