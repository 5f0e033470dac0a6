"""Scripts write their configuration with PyYAML, which takes no subclass of a dictionary for one."""

import sys

_introduced = False


def introduce(kind: type[dict[str, object]]) -> None:
    """Have PyYAML, once a script has loaded it, write values of `kind` as the mappings that they are."""
    global _introduced
    yaml: object = None if _introduced else sys.modules.get("yaml")
    for name in ("SafeDumper", "CSafeDumper", "Dumper", "CDumper"):
        known: object = getattr(getattr(yaml, name, None), "yaml_representers", None)
        if isinstance(known, dict) and dict in known:
            known[kind] = known[dict]  # in the table itself: `add_representer` would part it from others
            _introduced = True
