"""/api/external/leads: an app's customers on their way through its pipeline."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.edge.lead_routes import lead_api
from hkreach.settings import ManageLeadsSettings
from hkreach.usecases.manage_leads import ManageLeads

logger = Logger(service="hkreach", step="manage_leads")
settings = ManageLeadsSettings.from_environment()
dynamodb = client("dynamodb")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
manage_leads = ManageLeads(DynamoDBLeads(dynamodb, settings.leads_table), now)
api = lead_api(apps, manage_leads, settings.local_targets)


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    logger.info("request")
    return api.resolve(event, context)
