"""One module for each step of a message's way, named like its function."""
