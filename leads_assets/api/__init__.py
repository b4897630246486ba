"""HTTP only: how to ask the API, and how to know that a list is complete. Imports neither Dagster nor DuckDB."""
