"""The names in a request's query."""

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain.errors import Fault, Invalid


def expect_query(event: APIGatewayProxyEvent, *names: str) -> None:
    """Raises Invalid if the query has other names: an `oldSecretHours` misspelt would leave a stolen secret alive."""
    unknown = sorted(set(event.query_string_parameters) - set(names))
    if unknown:
        faults = [Fault(name[:200], f"{name[:200]} is not a parameter of this route") for name in unknown]
        raise Invalid("The query names what this route does not know.", faults)
