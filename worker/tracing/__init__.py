"""OpenTelemetry, where it is switched on: what leaves the process is made in `content`, how it leaves in `export`.

`export` is imported by a job's process that has somewhere to send to, and by nothing else.
"""
