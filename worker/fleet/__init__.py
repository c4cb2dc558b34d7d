"""What a worker is beside its calls: who may call, and how it is."""
