"""Accounts: tokens, entities, projects."""
