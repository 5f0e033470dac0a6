"""Who may do what: tokens, entities, projects."""
