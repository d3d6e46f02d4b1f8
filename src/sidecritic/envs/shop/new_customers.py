"""Customers of the shop that its own tasks leave alone: new tasks are made for them."""

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]

_NAMES = (
    ("Paula", "Winter", "credit_card"),
    ("Marek", "Novak", "paypal"),
    ("Sofie", "Dahl", "credit_card"),
    ("Luca", "Ferri", "credit_card"),
    ("Hanna", "Moser", "paypal"),
    ("Yusuf", "Aydin", "credit_card"),
    ("Clara", "Vogt", "credit_card"),
    ("Pavel", "Horak", "paypal"),
    ("Greta", "Lang", "credit_card"),
    ("Adam", "Kiss", "credit_card"),
    ("Lena", "Huber", "paypal"),
    ("Igor", "Simic", "credit_card"),
)
_GOODS = (
    ("kettle", 39.0),
    ("rain jacket", 89.0),
    ("desk lamp", 31.0),
    ("blender", 79.0),
    ("rug", 120.0),
    ("tea set", 62.0),
    ("wool hat", 24.0),
    ("mirror", 58.0),
    ("backpack", 74.5),
    ("toaster", 54.5),
    ("fan", 45.0),
    ("picture frame", 18.5),
    ("pillow", 27.0),
)
_STREETS = ("Mill Lane", "Harbour Road", "Park Row", "Church Street", "Garden Way")
_PLACES = (("Graz", "8010"), ("Linz", "4020"), ("Wien", "1020"), ("Salzburg", "5020"))
_DELIVERED = ("2025-06-02", "2025-06-05", "2025-04-20", "2025-06-10", "2025-05-28", "2025-03-11")


def stock() -> tuple[dict[str, Row], dict[str, Row]]:
    """Return customers and orders by id, the same every time."""
    customers: dict[str, Row] = {}
    orders: dict[str, Row] = {}
    for at, (first, last, source) in enumerate(_NAMES):
        own = list(_orders(at, f"{source}_{5201 + 37 * at}"))
        customer = _customer(at, f"{first} {last}", own)
        customers[customer["customer_id"]] = customer
        orders |= {order["order_id"]: order for order in own}
    return customers, orders


def _customer(at: int, name: str, orders: list[Row]) -> Row:
    methods = (orders[0]["payment_method_id"], f"gift_card_{9100 + at}", f"credit_card_{8301 + at}")
    return {
        "customer_id": f"C{200 + at}",
        "name": name,
        "email": f"{name.lower().replace(' ', '.')}@example.com",
        "payment_methods": {method: {"id": method} for method in methods},
        "orders": [order["order_id"] for order in orders],
    }


def _orders(at: int, paid: str) -> Iterator[Row]:
    """Yield the four orders of a customer: three delivered, one on its way out."""
    city, postcode = _PLACES[at % len(_PLACES)]
    street = f"{3 + 2 * at} {_STREETS[at % len(_STREETS)]}"
    for number in range(4):
        serial = 4 * at + number
        delivered = None if number == 3 else _DELIVERED[(at + number) % len(_DELIVERED)]
        yield {
            "order_id": f"A{2001 + serial}",
            "customer_id": f"C{200 + at}",
            "status": "delivered" if delivered else "processing",
            "delivered_on": delivered,
            "payment_method_id": paid,
            "address": {"street": street, "city": city, "postcode": postcode},
            "items": list(_items(serial)),
            "refunds": [],
        }


def _items(serial: int) -> Iterator[Row]:
    for at in range(1 + serial % 3):
        name, price = _GOODS[(5 * serial + 4 * at) % len(_GOODS)]
        yield {
            "item_id": f"{31001 + 10 * serial + at}",
            "name": name,
            "price": price,
            # Every fourth order holds a final sale.
            "final_sale": serial % 4 == 1 and at == 0,
        }
