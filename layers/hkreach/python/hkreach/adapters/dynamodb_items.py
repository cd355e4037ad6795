"""Python values to DynamoDB attribute values and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

type Item = Mapping[str, Any]
"""An item as the table's API and its stream have it: attribute name → attribute value."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """The item of these values; what is None is left out."""
    return {name: _serialize(value) for name, value in values.items() if value is not None}


def from_item(item: Item) -> dict[str, Any]:
    """The values of an item; numbers are integers, binaries bytes."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case Binary():
            return bytes(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value
