"""Commands that measure critics over labelled sets."""
