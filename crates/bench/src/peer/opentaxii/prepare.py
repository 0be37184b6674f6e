"""Makes the tables, an account, an API root and a collection; prints where the collection is, and the account's token."""

import json
import secrets

import shim  # noqa: F401
from opentaxii.config import ServerConfig
from opentaxii.server import TAXIIServer

server = TAXIIServer(ServerConfig())
password = secrets.token_hex(16)
# An account that is no administrator is asked for permissions by names that never match: they are stored as texts and looked up as UUIDs.
server.auth.api.create_account("bench", password, is_admin=True)
token = server.auth.api.authenticate("bench", password)
api = server.servers.taxii2.persistence.api
root = api.add_api_root("bench", default=True)
collection = api.add_collection(root.id, "records")
print(json.dumps({"path": f"/taxii2/{root.id}/collections/{collection.id}/objects/", "token": token}))
