"""One agent's call becomes another's, while both are in the room."""
