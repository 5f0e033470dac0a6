"""Client calls, each written once as a coroutine over a `Wire`; one module per subject.

`Client` and `AsyncClient` of `sweepd.objects`, and sweepctl's `sweepd.client`, run these coroutines; the
blocking clients use a wire that never suspends.
"""
