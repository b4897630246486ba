"""What `leads-assets doctor` looks at: the API through single requests, the warehouse without changing it."""
