from copy import deepcopy
from typing import Any

_DATA: dict[str, Any] = {
    "users": {
        "odile_brandt_1021": {
            "name": {"first_name": "Odile", "last_name": "Brandt"},
            "email": "odile.brandt@example.com",
            "payment_methods": {"gift_card_7701": {"id": "gift_card_7701", "balance": 12.5}},
            "orders": ["#W1000001", "#W1000002"],
        },
        "rafael_okoro_2044": {
            "name": {"first_name": "Rafael", "last_name": "Okoro"},
            "email": "rafael.okoro@example.com",
            "payment_methods": {"credit_card_3302": {"id": "credit_card_3302"}},
            "orders": ["#W1000003"],
        },
    },
    "orders": {
        "#W1000001": {
            "order_id": "#W1000001",
            "user_id": "odile_brandt_1021",
            "status": "pending",
            "items": [{"name": "Lamp", "item_id": "4000000001", "price": 41.0}],
            "address": {"address1": "12 Elm Walk", "city": "Denver", "zip": "80202"},
        },
        "#W1000002": {
            "order_id": "#W1000002",
            "user_id": "odile_brandt_1021",
            "status": "delivered",
            "items": [{"name": "Kettle", "item_id": "4000000002", "price": 1234.5}],
            "address": {"address1": "12 Elm Walk", "city": "Denver", "zip": "80202"},
        },
        "#W1000003": {
            "order_id": "#W1000003",
            "user_id": "rafael_okoro_2044",
            "status": "pending",
            "items": [{"name": "Scarf", "item_id": "4000000003", "price": 19.0}],
            "address": {"address1": "4 Quay Road", "city": "Austin", "zip": "78701"},
        },
    },
    "products": {},
}


def load_data() -> dict[str, Any]:
    return deepcopy(_DATA)
