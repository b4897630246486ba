"""A true copy of a lead-management (CRM) account in DuckDB, kept by Dagster."""
