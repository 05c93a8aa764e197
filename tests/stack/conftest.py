from tests.support.stack import fresh_home, stack_home

__all__ = ["fresh_home", "stack_home"]
