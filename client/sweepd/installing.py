"""Commands that install missing parts of sweepd; it is on no package index."""

INSTALL_SERVER = "pip install '.[server]' in a checkout of sweepd"
