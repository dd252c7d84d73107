"""What the widget on a shop's pages calls."""
