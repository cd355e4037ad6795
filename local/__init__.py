"""Programs for a developer's machine: the local stack, a simulated Meta, an inbox, the demo, the build."""
