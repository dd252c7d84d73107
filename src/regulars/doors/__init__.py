"""The doors: each speaks one wire format, makes a command or asks a use case, and shapes the answer."""
