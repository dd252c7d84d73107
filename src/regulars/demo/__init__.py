"""Histories to try things out with, a made-up shop's or a real one's, sent in through the real doors."""
