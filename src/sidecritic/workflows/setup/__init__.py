"""From policy and tools to a gateway in shadow mode."""
