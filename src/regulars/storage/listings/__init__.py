"""Reads for lists: each by key, whatever its filters, and each row as the domain's own record."""
