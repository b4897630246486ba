"""What `leads-assets doctor` looks at."""
