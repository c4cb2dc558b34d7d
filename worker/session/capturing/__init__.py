"""What is said, played and done in a call, written down as it comes."""
