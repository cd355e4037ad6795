"""/api/external/webhooks: an app's own webhook endpoints, and their deliveries."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_event_facts import DynamoDBEventFacts
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.edge.delivery_routes import DeliveryRoutes
from hkreach.edge.http_api import http_api
from hkreach.edge.webhook_routes import WebhookRoutes
from hkreach.settings import ManageAppSettings
from hkreach.usecases.manage_app import ManageApp
from hkreach.usecases.manage_app_deliveries import ManageDeliveries

logger = Logger(service="hkreach", step="manage_app")
settings = ManageAppSettings.from_environment()
dynamodb = client("dynamodb")
manage_app = ManageApp(
    apps=DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds),
    secrets=KMSSecrets(client("kms"), settings.secrets_key_id),
    client=GuardedWebhooks(settings.local_targets, settings.answer_seconds, now),
    now=now,
)
manage_deliveries = ManageDeliveries(
    manage_app,
    DynamoDBDeliveries(dynamodb, settings.deliveries_table, now),
    DynamoDBEndpointHealths(dynamodb, settings.deliveries_table, remembers=False),
    DynamoDBEventFacts(dynamodb, settings.fact_tables, now),
    now,
)
api = http_api()
WebhookRoutes(api, manage_app, manage_deliveries, settings.local_targets).add()
DeliveryRoutes(api, manage_deliveries).add()


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    logger.info("request")
    return api.resolve(event, context)
