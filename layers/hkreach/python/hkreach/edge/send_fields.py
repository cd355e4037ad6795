"""The fields of the send routes and of an upload."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from hkreach.domain.button import MAX_BUTTONS, MAX_CODE, MAX_PAYLOAD, MAX_URL_TEXT, ButtonParam, check_indexes
from hkreach.domain.header import (
    MAX_HEADER_TEXT,
    MAX_LATITUDE,
    MAX_LOCATION_TEXT,
    MAX_LONGITUDE,
    Header,
    LocationHeader,
    TextHeader,
    check_degrees,
)
from hkreach.domain.media import MAX_FILENAME, MediaAddress
from hkreach.domain.message import MAX_TTL_SECONDS, SendPurpose
from hkreach.domain.public_address import check_public_address
from hkreach.domain.recipient import parse_recipient
from hkreach.domain.template import (
    MAX_BODY_PARAM,
    MAX_BODY_PARAMS,
    MAX_BODY_TEXT,
    MAX_TEMPLATE_NAME,
    check_language_code,
    check_parameter,
)
from hkreach.domain.upload import MAX_UPLOAD_BYTES

_NOT_WITH_A_FILE = "cannot go with a file: a template has one header"
HEADERS = ("headerText", "headerLocation", "headerMediaUrl", "headerMediaId", "file")
"""A template has one of these at most."""
_TAGS = ("positional", "named")


def _template_name(text: str) -> str:
    if not re.fullmatch(rf"[a-z0-9_]{{1,{MAX_TEMPLATE_NAME}}}", text):
        raise ValueError(f"must be the template's name: 1 to {MAX_TEMPLATE_NAME} of a-z, 0-9 and _")
    return text


def _param_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise ValueError("must be a parameter's name: 1 to 64 of a-z, 0-9 and _")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _checked(limit: int) -> AfterValidator:
    return AfterValidator(lambda text: check_parameter(text, limit))


def _degrees(limit: int) -> AfterValidator:
    return AfterValidator(lambda value: check_degrees(value, limit))


def _not_too_long_together[Params: list[str] | dict[str, str]](params: Params) -> Params:
    characters = sum(map(len, params.values() if isinstance(params, dict) else params))
    if characters > MAX_BODY_TEXT:
        raise ValueError(f"has {characters:,} characters in all; at most {MAX_BODY_TEXT:,} are allowed")
    return params


def _address(url: str, info: ValidationInfo) -> str:
    return check_public_address(url, info.context or frozenset())


type _Param = Annotated[str, _checked(MAX_BODY_PARAM)]
type _ParamName = Annotated[str, AfterValidator(_param_name)]
type _Filename = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FILENAME), AfterValidator(_printable)]
type _Label = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]


class RequestFields(BaseModel):
    """A JSON object of a request, and each in it; names are camelCase outside."""

    not_here: ClassVar[Mapping[str, str]] = {}
    """Fields that a caller may well try, and what to do instead."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True, defer_build=True)


class _Button(RequestFields):
    index: Annotated[int, Field(ge=0, le=MAX_BUTTONS - 1)]


class _UrlButton(_Button):
    type: Literal["url"]
    text: Annotated[str, _checked(MAX_URL_TEXT)]

    @property
    def value(self) -> str:
        return self.text


class _QuickReplyButton(_Button):
    type: Literal["quick_reply"]
    payload: Annotated[str, _checked(MAX_PAYLOAD)]

    @property
    def value(self) -> str:
        return self.payload


class _CopyCodeButton(_Button):
    type: Literal["copy_code"]
    code: Annotated[str, _checked(MAX_CODE)]

    @property
    def value(self) -> str:
        return self.code


type _AnyButton = Annotated[_UrlButton | _QuickReplyButton | _CopyCodeButton, Field(discriminator="type")]


def _one_value_each(buttons: list[_AnyButton]) -> list[_AnyButton]:
    check_indexes([button.index for button in buttons])
    return buttons


class _Location(RequestFields):
    latitude: Annotated[float, _degrees(MAX_LATITUDE)]
    longitude: Annotated[float, _degrees(MAX_LONGITUDE)]
    name: Annotated[str, _checked(MAX_LOCATION_TEXT)] | None = None
    address: Annotated[str, _checked(MAX_LOCATION_TEXT)] | None = None


class SendFields(RequestFields):
    """The fields that both routes take."""

    to: Annotated[str, AfterValidator(parse_recipient)]
    template_name: Annotated[str, AfterValidator(_template_name)]
    language_code: Annotated[str, AfterValidator(check_language_code)] | None = None
    third_party_app_name: _Label | None = None
    body_params: Annotated[
        Annotated[list[_Param], Field(max_length=MAX_BODY_PARAMS), Tag("positional")]
        | Annotated[dict[_ParamName, _Param], Field(max_length=MAX_BODY_PARAMS), Tag("named")],
        Discriminator(lambda value: _TAGS[isinstance(value, dict)]),
        AfterValidator(_not_too_long_together),
    ] = Field(default_factory=list)
    button_params: Annotated[list[_AnyButton], Field(max_length=MAX_BUTTONS), AfterValidator(_one_value_each)] = Field(
        default_factory=list
    )
    purpose: SendPurpose = "utility"
    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS)] | None = None

    @property
    def header(self) -> Header | None:
        """The header that stands in the fields; a file is none of them."""
        return None

    @property
    def media_address(self) -> MediaAddress | None:
        """Where the header's file lies, if it is to be fetched."""
        return None

    @property
    def buttons(self) -> tuple[ButtonParam, ...]:
        """The values for the buttons."""
        return tuple(ButtonParam(each.index, each.type, each.value) for each in self.button_params)


class TemplateFields(SendFields):
    """`POST /api/external/send/template`."""

    header_text: Annotated[str, _checked(MAX_HEADER_TEXT)] | None = None
    header_location: _Location | None = None
    header_media_url: Annotated[str, AfterValidator(_address)] | None = None
    header_media_id: Annotated[str, StringConstraints(min_length=1)] | None = None
    header_media_filename: _Filename | None = None

    @field_validator("header_media_filename")
    @classmethod
    def _names_a_file(cls, name: str | None, info: ValidationInfo) -> str | None:
        files = [info.data.get(field, ...) for field in ("header_media_url", "header_media_id")]
        if name is not None and files == [None, None]:
            raise ValueError("goes with headerMediaUrl or headerMediaId: it is the name that the user sees")
        return name

    @property
    def media_address(self) -> MediaAddress | None:
        """See above."""
        return MediaAddress(self.header_media_url, self.header_media_filename) if self.header_media_url else None

    @property
    def header(self) -> Header | None:
        """See above."""
        if self.header_text is not None:
            return TextHeader(self.header_text)
        place = self.header_location
        return LocationHeader(place.latitude, place.longitude, place.name, place.address) if place else None


class DocumentFields(SendFields):
    """The fields beside the file of `POST /api/external/send/document`."""

    not_here = dict.fromkeys(HEADERS[:-1], _NOT_WITH_A_FILE)

    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS, strict=False)] | None = None  # a form has text only
    header_media_filename: _Filename | None = None


class MediaFields(RequestFields):
    """`POST /api/external/media`."""

    filename: _Filename | None = None
    size: Annotated[int, Field(ge=1)] | None = None

    @field_validator("size")
    @classmethod
    def _check_size(cls, size: int | None) -> int | None:
        if size is not None and size > MAX_UPLOAD_BYTES:
            raise ValueError(f"is {size:,}; WhatsApp takes at most {MAX_UPLOAD_BYTES:,} bytes: make the file smaller")
        return size
