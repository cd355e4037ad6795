"""A file at Meta: uploaded once for each number that sends it, and used until Meta is about to forget it."""

from dataclasses import dataclass, replace

from hkreach.domain.time import DAY, MINUTE

USED_FOR = 29 * DAY
"""Of the 30 days that Meta keeps an upload. Source: Meta, "Media"."""
_NEW = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class MetaMedia:
    """What the senders of a number share of one file. A value is never changed; each method gives the next.

    Times in milliseconds.
    """

    media_id: str | None = None
    uploaded_at: int = 0
    claimed_until: int = 0
    """Somebody uploads it until then."""

    @property
    def needed_until(self) -> int:
        """When all of it is past."""
        return max(self.claimed_until, self.uploaded_at + USED_FOR)

    def usable_id(self, now: int) -> str | None:
        """The id that a message may name."""
        return self.media_id if now < self.uploaded_at + USED_FOR else None

    def is_claimed(self, now: int) -> bool:
        """Whether somebody uploads it."""
        return now < self.claimed_until

    def claimed(self, until: int) -> "MetaMedia":
        """Somebody uploads it. The time tells one claim from another."""
        return replace(self, claimed_until=until)

    def given_up(self, until: int, now: int) -> "MetaMedia":
        """The upload of that claim failed. Nothing changes if the claim is another's by now."""
        return replace(self, claimed_until=now) if self.claimed_until == until else self

    def uploaded(self, media_id: str, now: int) -> "MetaMedia":
        """It is there, whoever has the claim."""
        return MetaMedia(media_id, now)

    def forgotten(self, media_id: str) -> "MetaMedia":
        """Meta does not know this id any more. Nothing changes if there is another by now."""
        return replace(self, media_id=None) if self.media_id == media_id else self

    def doubted(self, sent_at: int, now: int) -> tuple["MetaMedia", bool]:
        """A message that was sent then failed for its file, and it is not said which id that was.

        Whether Meta may have forgotten the id, so that the message can go with another upload. An upload of the last
        minutes is not forgotten: then it is the file that Meta does not like.
        """
        if sent_at < self.uploaded_at:
            return self, True  # it named the upload before
        if not self.uploaded_at or now < self.uploaded_at + _NEW:
            return self, False
        return replace(self, media_id=None), True
