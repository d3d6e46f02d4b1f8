"""Learning from recorded runs: what is shipped with the package, and how good it is."""
