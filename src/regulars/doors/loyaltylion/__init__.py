"""The door for shops that speak LoyaltyLion's Admin API: `/v2/...`. Source of the contract: loyaltylion.md."""
