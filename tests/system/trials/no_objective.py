"""Trial that succeeds but does not log the key that the sweep optimises."""

import sweepd

sweepd.init()
sweepd.log({"loss": 1.0, "acc": 0.5})
