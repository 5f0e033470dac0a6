"""The calls that clients make, each written once: coroutines over a `Wire`, for sweepctl and for the objects.

Each subject has its file. `Client` and `AsyncClient` of `sweepd.objects` and the client of sweepctl,
`sweepd.client`, run these coroutines, the blocking ones on a wire that never suspends.
"""
