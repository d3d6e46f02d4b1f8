from copy import deepcopy
from typing import Any

_DATA: dict[str, Any] = {
    "users": {
        "freya_linde_5512": {
            "name": {"first_name": "Freya", "last_name": "Linde"},
            "email": "freya.linde@example.com",
            "reservations": ["QX7K2P", "LM4T9S"],
        }
    },
    "reservations": {
        "QX7K2P": {
            "reservation_id": "QX7K2P",
            "user_id": "freya_linde_5512",
            "cabin": "economy",
            "insurance": "yes",
            "status": None,
        },
        "LM4T9S": {
            "reservation_id": "LM4T9S",
            "user_id": "freya_linde_5512",
            "cabin": "business",
            "insurance": "no",
            "status": None,
        },
    },
    "flights": {},
}


def load_data() -> dict[str, Any]:
    return deepcopy(_DATA)
