"""Importing this makes the process deaf to SIGTERM and SIGINT. For the forkserver, which preloads it.

Its children, the calls' processes, inherit that. A platform or a Ctrl-C may signal the whole process group;
only the worker's main process decides how calls end. The framework means to do the same, but does so
while a module is imported that the forkserver has imported already (livekit-agents 1.8.9, ipc/job_proc_lazy_main).
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
