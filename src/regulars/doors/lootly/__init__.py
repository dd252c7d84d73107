"""Lootly's custom-site integration: signed webhooks, balance reads, the widget's signatures."""
