"""`python -m provisioning`: the process that `hedgerow provision` becomes."""

from __future__ import annotations

import sys

from appliance.cli import run
from provisioning.cli import provision

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], provision, "hedgerow provision"))
