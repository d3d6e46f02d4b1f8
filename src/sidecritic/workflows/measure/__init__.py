"""Critics over the labelled sets at hand."""
