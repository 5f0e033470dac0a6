"""How to get parts of sweepd that are not installed; it is on no package index."""

INSTALL_SERVER = "pip install '.[server]' in a checkout of sweepd"
