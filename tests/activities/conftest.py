from tests.support.temporal import client, temporal_address

__all__ = ["client", "temporal_address"]
