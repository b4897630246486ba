"""Any REST list into DuckDB: no Dagster, no word of an account, no environment."""
