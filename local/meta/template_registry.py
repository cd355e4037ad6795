"""Holds a message to the registered template of its name; names nobody registered are approved."""

from collections.abc import Sequence

from local.meta.graph_errors import GraphError
from local.meta.settings import Template
from local.meta.template_rules import Components, SentTemplate

_STATUS_ERRORS = {"PAUSED": 132015, "DISABLED": 132016}


def check_against_registry(sent: SentTemplate, registry: Sequence[Template]) -> Template | None:
    """Return the registered template of this name, None if there is none; refuse what does not fit it."""
    namesakes = [template for template in registry if template.name == sent.name]
    if not namesakes:
        return None
    template = next((template for template in namesakes if template.language == sent.language), None)
    if template is None:
        raise GraphError(132001, f"template name ({sent.name}) does not exist in {sent.language}")
    if template.status in _STATUS_ERRORS:
        raise GraphError(_STATUS_ERRORS[template.status], f"template ({sent.name}) is {template.status.lower()}")
    if template.status != "APPROVED":
        raise GraphError(132001, f"template ({sent.name}) is not approved in {sent.language}")
    _check_header(sent.components, template)
    _check_body(sent.components.body_names, template)
    _check_buttons(sent.components, template)
    return template


def _check_header(components: Components, template: Template) -> None:
    kind = components.header_kind
    expected = template.header_format.lower() if template.header_format else None
    if kind is not None and kind != expected:
        raise GraphError(
            132012,
            f"header: Format mismatch, expected {template.header_format or 'NONE'}, received {kind.upper()}",
        )
    wanted = template.header_params if expected in ("text", None) else 1
    if wanted != (kind is not None):
        if expected == "text":
            raise _miscounted("header", int(kind is not None), wanted)
        raise GraphError(132012, f"header: Format mismatch, expected {template.header_format}, received UNKNOWN")
    if kind == "text" and (components.header_name is not None) != template.is_named:
        raise GraphError(132012, "header: Parameter name mismatch with the template's parameter format")


def _check_body(names: Sequence[str | None], template: Template) -> None:
    expected = template.body_params
    count = len(expected) if isinstance(expected, list) else expected
    if len(names) != count:
        raise _miscounted("body", len(names), count)
    if any((name is not None) != template.is_named for name in names):
        raise GraphError(
            132012,
            f"body: the template's parameter format is {'NAMED' if template.is_named else 'POSITIONAL'}",
        )
    if isinstance(expected, list) and set(names) != set(expected):
        raise GraphError(132000, f"body: expected the named parameters {', '.join(expected)}")


def _check_buttons(components: Components, template: Template) -> None:
    for button in components.buttons:
        if button.index >= len(template.buttons) or template.buttons[button.index].type != button.sub_type:
            raise GraphError(132012, f"button: the template has no {button.sub_type} button at index {button.index}")
        if button.sub_type == "url" and not template.buttons[button.index].variable:
            raise GraphError(132000, f"button: the url at index {button.index} has no variable")
    sent = {button.index for button in components.buttons}
    for index, registered in enumerate(template.buttons):
        if registered.variable and index not in sent:
            raise GraphError(131008, f"buttons: Button at index {index} of type {registered.type} requires a parameter")


def _miscounted(component: str, sent: int, expected: int) -> GraphError:
    return GraphError(
        132000,
        f"{component}: number of localizable_params ({sent}) does not match the expected number of params ({expected})",
    )
