"""Texts that try to steer a critic, and where they may stand."""

from sidecritic.replay.payloads import Payload, read_payloads

__all__ = ["PAYLOADS", "Payload"]

PAYLOADS = read_payloads()
