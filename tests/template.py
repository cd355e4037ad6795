"""template.yaml as data: `!Ref X` is {"Ref": "X"}, `!GetAtt A.B` is {"Fn::GetAtt": ["A", "B"]}, and so on."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    pass


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


@cache
def template() -> dict[str, Any]:
    """The whole template; not to be changed."""
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by logical id."""
    return {name: node.get("Properties", {}) for name, node in template()["Resources"].items() if node["Type"] == kind}


def table_definition(name: str) -> dict[str, Any]:
    """What `create_table` needs for one of the template's tables."""
    properties = dict(resources("AWS::DynamoDB::Table")[name])
    for elsewhere in ("PointInTimeRecoverySpecification", "TimeToLiveSpecification", "SSESpecification", "Tags"):
        properties.pop(elsewhere, None)
    if "StreamSpecification" in properties:
        properties["StreamSpecification"] = properties["StreamSpecification"] | {"StreamEnabled": True}
    return properties
