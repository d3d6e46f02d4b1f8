import json
from typing import Any

from ...tool import Tool, described


class FindUserIdByEmail(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], email: str) -> str:
        for user_id, user in data["users"].items():
            if user["email"] == email:
                return user_id
        return "Error: user not found"

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("find_user_id_by_email", "Find a user.", email="Such as a@example.com.")


class GetUserDetails(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], user_id: str) -> str:
        return json.dumps(data["users"][user_id])

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("get_user_details", "Look up a user.", user_id="The id of the user.")


class GetOrderDetails(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], order_id: str) -> str:
        if order_id not in data["orders"]:
            return "Error: order not found"
        return json.dumps(data["orders"][order_id])

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("get_order_details", "Look up an order.", order_id="Such as #W0000000.")


class CancelPendingOrder(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], order_id: str, reason: str) -> str:
        order = data["orders"][order_id]
        if order["status"] != "pending":
            return "Error: non-pending order cannot be cancelled"
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        return json.dumps(order)

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described(
            "cancel_pending_order",
            "Cancel a pending order.",
            order_id="Such as #W0000000.",
            reason="no longer needed, or ordered by mistake",
        )


class ModifyPendingOrderAddress(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], order_id: str, address1: str, city: str, zip: str) -> str:
        order = data["orders"][order_id]
        if order["status"] != "pending":
            return "Error: non-pending order cannot be modified"
        order["address"] = {"address1": address1, "city": city, "zip": zip}
        return json.dumps(order)

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described(
            "modify_pending_order_address",
            "Send a pending order elsewhere.",
            order_id="Such as #W0000000.",
            address1="Street and number.",
            city="City.",
            zip="Zip code.",
        )


class Think(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], thought: str) -> str:
        return ""

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("think", "Think.", thought="A thought.")


class TransferToHumanAgents(Tool):
    @staticmethod
    def invoke(data: dict[str, Any], summary: str) -> str:
        return "Transfer successful"

    @staticmethod
    def get_info() -> dict[str, Any]:
        return described("transfer_to_human_agents", "Hand over.", summary="What it is about.")


ALL_TOOLS = [
    FindUserIdByEmail,
    GetUserDetails,
    GetOrderDetails,
    CancelPendingOrder,
    ModifyPendingOrderAddress,
    Think,
    TransferToHumanAgents,
]
