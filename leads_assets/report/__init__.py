"""The morning page: its figures, its charts, and the file."""
