"""One file a subject: each has its routes in `ROUTES`, and its templates in a folder of the same name."""
