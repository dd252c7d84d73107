"""Regulars: a loyalty and referral platform that a shop hosts itself."""

__version__ = "0.1.0"
