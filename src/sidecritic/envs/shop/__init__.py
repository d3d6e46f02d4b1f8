"""Our own shop: customers, orders and refunds that need no package and no key."""

from sidecritic.envs.shop.benchmark import Shop

__all__ = ["Shop"]
