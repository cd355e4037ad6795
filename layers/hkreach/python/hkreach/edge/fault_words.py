"""What pydantic finds wrong with a value, in words that say what would be right."""

from pydantic_core import ErrorDetails

UNNAMED = "is not what this field takes"
"""Of a kind that has no words here; tests/edge/test_fault_words.py knows that there is none."""
_OBJECT = "must be a JSON object"
_WHOLE = "must be a whole number"
WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_unicode": "must not hold half a character: a \\ud83d, say, needs its second half",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": _OBJECT,
    "too_long": "has too many values; at most {max_length} are allowed",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "is required",
    "literal_error": "must be {expected}",
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_type": "must be a number",
    "finite_number": _WHOLE,  # infinity, where a whole number is asked for
    "greater_than_equal": "must be at least {ge:,}",
    "less_than_equal": "must be at most {le:,}",
}


def words(details: ErrorDetails) -> str:
    """What would be right; a check of ours says it itself. Nothing of the value is in it."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    named = {name: value.replace("'", "") if isinstance(value, str) else value for name, value in context.items()}
    return WORDS.get(kind, UNNAMED).format(**named)
