import json
from typing import Any

from ...tool import Tool, described


class GetUserDetails(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], user_id: str) -> str:
        if user_id not in data["users"]:
            return "Error: user not found"
        return json.dumps(data["users"][user_id])

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("get_user_details", "Look up a user.", user_id="The id of the user.")


class GetReservationDetails(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], reservation_id: str) -> str:
        return json.dumps(data["reservations"][reservation_id])

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described(
            "get_reservation_details", "Look up a reservation.", reservation_id="Such as ZFA04Y."
        )


class CancelReservation(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], reservation_id: str) -> str:
        reservation = data["reservations"][reservation_id]
        reservation["status"] = "cancelled"
        return json.dumps(reservation)

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described(
            "cancel_reservation", "Cancel a reservation.", reservation_id="Such as ZFA04Y."
        )


class TransferToHumanAgents(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], summary: str) -> str:
        return "Transfer successful"

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("transfer_to_human_agents", "Hand over.", summary="What it is about.")


ALL_TOOLS = [GetUserDetails, GetReservationDetails, CancelReservation, TransferToHumanAgents]
