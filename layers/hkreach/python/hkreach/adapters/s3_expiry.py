"""When the media bucket removes a file: after 30 days, or what its app wants shorter, by a tag that its rules know."""

from hkreach.domain.media import MEDIA_DAYS

_TAG = "keep-days"
DEFAULT_DAYS = MEDIA_DAYS[-1]
"""What the bucket's rule for everything says."""


def expiry(media_days: int) -> dict[str, str]:
    """The arguments of a call that stores a file for so many days, one of `MEDIA_DAYS`."""
    return {"Tagging": f"{_TAG}={media_days}"} if media_days != DEFAULT_DAYS else {}


def expiry_of_stored(media_days: int) -> dict[str, list[dict[str, str]]] | None:
    """The tags of a file that is there already; None: it needs none."""
    return {"TagSet": [{"Key": _TAG, "Value": f"{media_days}"}]} if media_days != DEFAULT_DAYS else None


def expiry_of_copy(media_days: int) -> dict[str, str]:
    """The same of a call that copies one."""
    return {"TaggingDirective": "REPLACE", **expiry(media_days)}
