"""Language models: what is known of each (catalogue), how to talk to one (client), what that costs (tokens, speed)."""
