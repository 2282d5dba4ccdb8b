"""The examples of endings, actions, templates, patterns and workspaces."""
