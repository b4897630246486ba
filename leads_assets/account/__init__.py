"""This CRM: declarations, dialect and settings."""
