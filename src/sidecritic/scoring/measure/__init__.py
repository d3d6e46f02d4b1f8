"""One critic over many labelled sets."""
