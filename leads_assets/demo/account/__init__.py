"""The demo account's rows and how they change."""
