"""What OpenTAXII 0.9.3 needs to answer at all: it puts UUIDs into its answers, which Python's JSON does not write."""

import json
import uuid

_default = json.JSONEncoder.default


def _write(encoder, value):
    return str(value) if isinstance(value, uuid.UUID) else _default(encoder, value)


json.JSONEncoder.default = _write
