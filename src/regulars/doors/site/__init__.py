"""The server's own small pages: the front page, its health, and what is said where nothing is."""
