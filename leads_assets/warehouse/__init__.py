"""DuckDB only: opening the warehouse, and loading an extract in one transaction. Imports neither Dagster nor HTTP."""
