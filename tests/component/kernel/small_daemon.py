"""Command `sweepd` with small services behind the real gateway; run as a module."""

import sys

from component.kernel.small_servicers import definitions
from sweepd_gateway.app import SERVICE as GATEWAY
from sweepd_kernel.main import main

if __name__ == "__main__":
    sys.exit(main(services=[*definitions(), GATEWAY]))
