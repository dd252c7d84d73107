"""The door for shops that speak LoyaltyLion's Admin API, `/v2/...`. Source: loyaltylion.md."""
