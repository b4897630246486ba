"""DuckDB only: how to open the warehouse, and how to load an extract in one transaction. Imports neither Dagster nor HTTP."""
