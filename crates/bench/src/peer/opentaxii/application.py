"""What gunicorn serves."""

import shim  # noqa: F401  (before anything answers)
from opentaxii.http import app  # noqa: F401
