"""Coupon codes of a pool: brought in from a file, all or nothing; looked at, made void, taken out again."""
