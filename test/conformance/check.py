"""check.py BASE_URL: what scim2-tester says of a server, as JSON. The token comes by the environment, where no process list shows it."""

import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

TIMEOUT_S = 30

with Client(
    base_url=sys.argv[1],
    headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"},
    timeout=TIMEOUT_S,
    trust_env=False,
) as client:
    results = check_server(SyncSCIMClient(client))

json.dump(
    [
        {
            "status": result.status.name,
            "title": result.title or "",
            "about": result.resource_type or "",
            "reason": result.reason or "",
        }
        for result in results
    ],
    sys.stdout,
)
