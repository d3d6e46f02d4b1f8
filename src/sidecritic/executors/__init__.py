"""Maps over independent items: here, over the processes of a machine, or over a Ray cluster."""
