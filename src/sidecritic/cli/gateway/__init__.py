"""Commands of an agent of one's own: `init` and `serve`."""
