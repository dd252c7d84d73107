"""The merchant's web pages, rendered on the server: sign-in, pages of a program, settings."""
