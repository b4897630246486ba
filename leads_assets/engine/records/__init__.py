"""From a response's body to rows in a local file."""
