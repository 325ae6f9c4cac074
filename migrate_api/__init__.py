"""Who asks, who does, how far it is."""
