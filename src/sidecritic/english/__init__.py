"""Language as data: how people agree, ask, refuse and take leave."""
