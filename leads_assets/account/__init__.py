"""This CRM: its settings."""
