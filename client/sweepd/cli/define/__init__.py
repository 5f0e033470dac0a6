"""Definition of sweeps: files, options, previews, prior runs, proposals, edits."""
