"""The world around Regulars: a ring of its own that knows nothing of points."""
