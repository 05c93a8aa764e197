"""The worker: the composition root, where configuration becomes adapters and adapters become activities.

`python -m tamma.worker` serves the task queues until SIGTERM. Everything it holds may be lost at any moment.
"""
