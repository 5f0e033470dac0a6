"""The search space: enumeration, counting and sampling of its points."""
