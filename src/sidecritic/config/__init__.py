"""From names to objects: settings, and the parties that they name."""
