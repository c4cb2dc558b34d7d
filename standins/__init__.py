"""Local stand-ins for the services that a call needs: the real protocols, no keys, no network.

Each is a process of its own (`python -m standins assemblyai | openai | caller`), so that it can be
killed, stalled and replaced like the service it stands for. The product never imports this package.
"""
