"""The demo: the stack at work, step by step, for whoever sees it for the first time."""
