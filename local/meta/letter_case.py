"""Template components in upper case, which PyWa sends and Meta's pages do not show."""


def in_documented_case(body: object) -> object:
    """Return a message with the `type` and `sub_type` of its template's components in lower case."""
    template = body.get("template") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(template, dict):
        return body
    return {**body, "template": _components_of(template)}


def _components_of(owner: dict[str, object]) -> dict[str, object]:
    components = owner.get("components")
    if not isinstance(components, list):
        return owner
    return {**owner, "components": [_component(component) for component in components]}


def _component(component: object) -> object:
    if not isinstance(component, dict):
        return component
    lowered = {
        key: value.lower() if key in ("type", "sub_type") and isinstance(value, str) else value
        for key, value in component.items()
    }
    if isinstance(lowered.get("cards"), list):
        lowered["cards"] = [_components_of(card) if isinstance(card, dict) else card for card in lowered["cards"]]
    return lowered
