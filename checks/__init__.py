"""What a frame must look like."""
