"""When to read what: pure decisions."""
