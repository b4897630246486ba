"""Every fault, one verdict."""
