"""Requests to one account: budget, retries, deadline."""
