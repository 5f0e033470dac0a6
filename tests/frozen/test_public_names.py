"""Public names of `sweepd` with signatures, and the members of objects that it returns to users."""

from __future__ import annotations

import pytest

import sweepd
from frozen.golden_files import Golden, Unchanged, shape
from frozen.prepared_server import PreparedServer
from frozen.public_names import RETURNED, described

_OF_THE_RUN = ("config", "run", "summary")


def test_names_of_sweepd(unchanged: Unchanged) -> None:
    found: dict[str, Golden] = {
        name: described(getattr(sweepd, name), constructed=name not in RETURNED)
        for name in sorted(sweepd.__all__)
        if name not in _OF_THE_RUN
    }
    unchanged("sweepd", found | dict.fromkeys(_OF_THE_RUN, "of the run of the moment"))
    assert set(sweepd.__all__) <= set(dir(sweepd))


def test_members_of_what_users_get(
    prepared: PreparedServer, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects of classes that users never name are compared too."""
    with sweepd.Client(prepared.server.address, token=prepared.server.access_token) as client:
        sweep = client.sweep(prepared.grid)
        changes = list(sweep.watch())
        found = {
            "Client.sweep()": type(sweep),
            "Client.run()": type(client.run(f"{prepared.grid}:1")),
            "Sweep.best_so_far()": type(sweep.best_so_far()[0]),
            "Sweep.importance()": type(sweep.importance()),
            "Sweep.importance()[]": type(next(iter(sweep.importance()))),
            "Sweep.run().history()": type(sweep.run(1).history()),
            "Sweep.watch()": type(changes[0]),
        }
    monkeypatch.setenv("SWEEPD_ADDRESS", prepared.server.address)
    monkeypatch.setenv("SWEEPD_TOKEN", prepared.server.access_token)
    api = sweepd.Api()
    path = prepared.grid
    found |= {
        "Api": type(api),
        "Api.sweep()": type(api.sweep(path)),
        "Api.run()": type(api.run(f"{path}-1")),
        "Api.run().summary": type(api.run(f"{path}-1").summary),
        "Api.run().files()": type(api.run(f"{path}-1").files()[0]),
        "Api.runs()": type(api.runs(path.rpartition("/")[0])),
    }
    unchanged("objects", {name: described(kind, constructed=False) for name, kind in found.items()})


def test_columns_of_frames(prepared: PreparedServer, unchanged: Unchanged) -> None:
    found: dict[str, Golden] = {}
    with sweepd.Client(prepared.server.address, token=prepared.server.access_token) as client:
        sources: dict[str, sweepd.Sweep | sweepd.History] = {
            "Sweep": client.sweep(prepared.grid),
            "Sweep, of a model": client.sweep(prepared.bayes),
            "History": client.run(f"{prepared.grid}:1").history(),
        }
        for title, source in sources.items():
            found[f"{title}.to_pandas()"] = [
                f"{name}: {kind}" for name, kind in source.to_pandas().dtypes.items()
            ]
            found[f"{title}.to_polars()"] = [
                f"{name}: {kind}" for name, kind in source.to_polars().schema.items()
            ]
            found[f"{title}.to_arrow()"] = [
                f"{field.name}: {field.type}" for field in source.to_arrow().schema
            ]
            found[f"{title}.to_dicts()"] = [*source.to_dicts()[0]]
        found["Sweep.prior_runs()"] = shape(client.sweep(prepared.seeded).prior_runs())
        found["Importance.to_dicts()"] = shape(client.sweep(prepared.grid).importance().to_dicts())
    unchanged("frames", found)
