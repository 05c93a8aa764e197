"""The activities: every touch of the outside world, wrapped for Temporal.

Each class takes what it needs in its constructor; `tamma/worker` alone decides what that is. What an
activity does to the world is idempotent, because it may run twice.
"""
