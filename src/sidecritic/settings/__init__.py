"""What may be written: settings, recipes, names, and the files that they stand in."""
