"""What `regulars verify` asks the database: checks as statements that find violations, and rows to be recomputed."""
