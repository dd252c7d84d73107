"""A small shop to try everything out in: it buys, refunds and shows the widget as any shop would."""
