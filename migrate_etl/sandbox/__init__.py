"""Stand-ins to try things on: a Mission server and a sample Rock database."""
