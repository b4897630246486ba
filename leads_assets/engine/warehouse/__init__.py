"""The load: one transaction in DuckDB."""
