"""Pages of people and workspaces: one URL, one view, one template."""
