"""Updates by stick (mesh/spec/update-v1.md): one signed file, written beside the system that runs, kept only if it holds."""
