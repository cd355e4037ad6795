"""AWS clients with the settings that fit a Lambda function."""

from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=64,  # a batch is worked on by up to fifty threads; the rest is for those of the last that hang
    parameter_validation=False,  # an eighth of each call's CPU; AWS checks them anyway
    disable_request_compression=True,
    user_agent="hkreach",  # or botocore puts its own together anew for each call, a tenth of its CPU
)


# A presigned form would go to the global address and be redirected, which no form survives, and be signed the old way.
_S3_CONFIG = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


def client(service: str) -> Any:
    """A boto3 client; address and credentials come from the environment."""
    return boto3.client(service, config=_S3_CONFIG if service == "s3" else _CONFIG)
