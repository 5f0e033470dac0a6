"""A trial that ends well but logs another key than the sweep optimises."""

import sweepd

sweepd.init()
sweepd.log({"loss": 1.0, "acc": 0.5})
