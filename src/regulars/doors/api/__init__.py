"""Our own API, below /api/v1: rewards, codes, and what customers claim."""
