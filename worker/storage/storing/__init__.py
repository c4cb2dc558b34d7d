"""From journals to the store: segments while the call runs, transcript and manifest at its end."""
