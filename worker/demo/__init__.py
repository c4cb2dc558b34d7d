"""A whole call on this machine: server, stand-ins, worker and caller, each a process of its own.

The stand-ins are started as programs, never imported: the product does not depend on them.
"""
