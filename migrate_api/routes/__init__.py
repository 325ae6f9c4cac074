"""One file a noun: request, call, answer."""
