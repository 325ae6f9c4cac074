"""The migrate command line."""
