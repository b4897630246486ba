"""One list, read to its end, with a verdict."""
