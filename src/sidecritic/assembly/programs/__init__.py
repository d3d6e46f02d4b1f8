"""What programs in Python call: the package without its command line."""
