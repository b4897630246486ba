"""The demo account's HTTP server and its faults."""
