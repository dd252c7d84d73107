"""What is true on paper, without a computer: money, the book of points, the rules. Pure; no I/O, no clock."""
