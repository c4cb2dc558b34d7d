"""The end of a call and of its process, however it comes."""
