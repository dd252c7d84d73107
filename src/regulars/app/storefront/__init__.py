"""What a shopper sees and does on the shop's own pages: proofs of who it is, sessions, the widget."""
