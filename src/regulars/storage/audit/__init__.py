"""What `regulars verify` asks the database: statements that find violations, and rows to be recomputed."""
