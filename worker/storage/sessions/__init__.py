"""Sessions as their keepers see them: listed, found, verified, exported, removed."""
