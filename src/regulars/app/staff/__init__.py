"""Staff: the people who sign in to the admin, their roles, and the links by which they come in."""
