"""MetaMedia: an id is used for 29 days, an upload is claimed, and a claim is given up by its owner only."""

import pytest

from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.time import DAY, MINUTE
from tests.builders import NOW

UNTIL = NOW + 35_000
UPLOADED = MetaMedia().uploaded("media-1", NOW)


def test_of_what_was_never_uploaded_there_is_no_id() -> None:
    assert (None, False) == (MetaMedia().usable_id(NOW), MetaMedia().is_claimed(NOW))


@pytest.mark.parametrize(("later", "media_id"), [(0, "media-1"), (29 * DAY - 1, "media-1"), (29 * DAY, None)])
def test_an_id_is_used_for_29_of_the_30_days(later: int, media_id: str | None) -> None:
    assert media_id == UPLOADED.usable_id(NOW + later)


@pytest.mark.parametrize(("later", "claimed"), [(0, True), (34_999, True), (35_000, False)])
def test_a_claim_ends_by_itself(later: int, claimed: bool) -> None:
    assert claimed == MetaMedia().claimed(UNTIL).is_claimed(NOW + later)


def test_an_upload_ends_every_claim() -> None:
    assert UPLOADED == MetaMedia().claimed(UNTIL).uploaded("media-1", NOW)


def test_a_claim_is_given_up_by_its_owner_only() -> None:
    claimed = MetaMedia().claimed(UNTIL)

    assert not claimed.given_up(UNTIL, NOW).is_claimed(NOW)
    assert claimed == claimed.given_up(UNTIL - 1, NOW)


def test_an_old_id_holds_until_the_next_upload_has_one() -> None:
    again = UPLOADED.claimed(NOW + 29 * DAY + 35_000)

    assert ("media-1", None) == (again.usable_id(NOW), again.usable_id(NOW + 29 * DAY))
    assert "media-2" == again.uploaded("media-2", NOW + 29 * DAY).usable_id(NOW + 57 * DAY)


def test_only_the_id_that_was_refused_is_forgotten() -> None:
    assert UPLOADED == UPLOADED.forgotten("media-0")
    assert None is UPLOADED.forgotten("media-1").usable_id(NOW)


@pytest.mark.parametrize(("later", "media_id"), [(10 * MINUTE - 1, "media-1"), (10 * MINUTE, None)])
def test_a_new_id_is_not_doubted(later: int, media_id: str | None) -> None:
    """Or each message with a file that Meta does not like would upload it anew."""
    after, is_lost = UPLOADED.doubted(NOW, NOW + later)

    assert (media_id, media_id is None) == (after.usable_id(NOW + later), is_lost)


def test_a_message_of_before_an_upload_named_another_id() -> None:
    assert (UPLOADED, True) == UPLOADED.doubted(NOW - 1, NOW + 20 * MINUTE)


def test_all_messages_with_a_forgotten_id_are_told_the_same() -> None:
    after, _ = UPLOADED.doubted(NOW, NOW + DAY)

    assert (after, True) == after.doubted(NOW, NOW + DAY)
    assert (MetaMedia(), False) == MetaMedia().doubted(NOW, NOW + DAY), "nobody knows of any id"


@pytest.mark.parametrize(
    ("state", "until"),
    [(MetaMedia().claimed(UNTIL), UNTIL), (MetaMedia().claimed(UNTIL).given_up(UNTIL, NOW), NOW)]
    + [(state, NOW + 29 * DAY) for state in (UPLOADED, UPLOADED.claimed(UNTIL), UPLOADED.forgotten("media-1"))],
)
def test_it_is_needed_until_all_of_it_is_past(state: MetaMedia, until: int) -> None:
    assert until == state.needed_until
