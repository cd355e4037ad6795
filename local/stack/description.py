"""What is known of a running stack, as programs and people read it in stack.json."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.progress import CommandError
from local.typed_json import JsonError, JsonObject, read

REGION = "us-east-1"
# MiniStack takes any well-formed credentials of the operator; only the functions' own roles are restricted.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class App:
    """An app of the stack, with everything that an integrator and Meta know of it."""

    app_name: str
    api_key: str
    phone_number_id: str
    waba_id: str
    access_token: str
    webhook_url: str
    webhook_secret: str

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request to the API."""
        return {"X-App-Name": self.app_name, "X-API-Key": self.api_key}


@dataclass(frozen=True)
class Stack:
    """A stack that is up. `fingerprint` stands for the code and the parameters that it was made from."""

    api_url: str
    meta_callback_url: str
    graph_url: str
    inbox_url: str
    meta_app_secret: str
    verify_token: str
    aws_endpoint_url: str
    aws_region: str
    stack_name: str
    apps: list[App]
    outputs: dict[str, str] = field(default_factory=dict)
    fingerprint: str = ""

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's AWS, as its operator. Any: the service is known to the caller only."""
        return aws_client(self.aws_endpoint_url, service)

    def administer(self, request: JsonObject) -> JsonObject:
        """Ask the deployed `administer`, as the operator does; a domain error is a CommandError."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs["AdministerFunctionName"], Payload=json.dumps(request).encode()
        )
        action, payload = request.get("action"), json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise CommandError(f"administer {action} broke: {payload.get('errorMessage', payload)}")
        if isinstance(payload, dict) and "error" in payload:
            raise CommandError(f"administer {action} was refused: {payload['error']}")
        return dict(payload or {})

    def write(self, path: Path) -> None:
        """Replace the file in one step; only its owner may read it, for it holds keys."""
        description = {
            "apiUrl": self.api_url,
            "metaCallbackUrl": self.meta_callback_url,
            "graphUrl": self.graph_url,
            "inboxUrl": self.inbox_url,
            "metaAppSecret": self.meta_app_secret,
            "verifyToken": self.verify_token,
            "awsEndpointUrl": self.aws_endpoint_url,
            "awsRegion": self.aws_region,
            "stackName": self.stack_name,
            "apps": [
                {
                    "appName": app.app_name,
                    "apiKey": app.api_key,
                    "phoneNumberId": app.phone_number_id,
                    "wabaId": app.waba_id,
                    "accessToken": app.access_token,
                    "webhookUrl": app.webhook_url,
                    "webhookSecret": app.webhook_secret,
                }
                for app in self.apps
            ],
            "outputs": self.outputs,
            "fingerprint": self.fingerprint,
        }
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(description, file, indent=2)
            file.write("\n")
        draft.replace(path)


def read_stack(path: Path) -> Stack | None:
    """The stack that the file describes; None when there is no such file, or one of another form."""
    try:
        return read(Stack, json.loads(path.read_text(encoding="utf-8")), path.name)
    except (FileNotFoundError, ValueError, JsonError):
        return None


def aws_client(endpoint_url: str, service: str) -> Any:
    """A boto3 client of a local AWS that neither proxies nor the user's own AWS settings can lead elsewhere."""
    own = botocore.session.Session(
        {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session = boto3.Session(
        botocore_session=own,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    # An empty dict, not None: None would read the proxies from the environment.
    config = Config(proxies={}, retries={"total_max_attempts": 2, "mode": "standard"}, read_timeout=60)
    return session.client(service, endpoint_url=endpoint_url, config=config)
