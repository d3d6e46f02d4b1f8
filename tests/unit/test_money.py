"""What numbers mean: as people write them, and in the units of the fields that hold them."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from sidecritic.money import amounts_of, means, numbers_in, worth_of
from sidecritic.values import JsonObject


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It is $19.99.", "19.99"),
        ("Das macht 19,99 €.", "19.99"),
        ("¥1,999", "1999"),
        ("$1,999.50, please", "1999.50"),
        ("1.999,50 €", "1999.50"),
        ("CHF 1'999.50", "1999.50"),
        ("CHF 1’999.50", "1999.50"),
        ("1 999,50 kr", "1999.50"),
        ("1\u202f999,50 €", "1999.50"),
        ("₹12,34,567.89", "1234567.89"),
        ("1,234,567", "1234567"),
        ("١٩٫٩٩ د.ك", "19.99"),
        ("١٬٩٩٩٫٥٠", "1999.50"),
        ("１，９９９円", "1999"),
        ("-$19.99", "19.99"),
        ("−19,99 €", "19.99"),
        ("1.234 KWD", "1.234"),
        ("1.234 Stück", "1234"),
        ("pay 300 now", "300"),
    ],
)
def test_a_number_is_read_however_it_is_written(text: str, number: str) -> None:
    assert Decimal(number) in numbers_in(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$19.99", "1999"),
        ("19,99 €", "1999"),
        ("$1,999.00", "19.99"),
        ("1.2.2024", "122024"),
        ("12,34", "1234"),
        ("2024-06-17", "20240617"),
        ("192.168.0.1", "1921680.1"),
        ("0.500", "500"),
        ("1999999", "1999"),
    ],
)
def test_a_number_is_not_read_as_another(text: str, number: str) -> None:
    assert Decimal(number) not in numbers_in(text)


@pytest.mark.parametrize("text", ["1" * 100_000, "1 " * 50_000, "1,1" * 30_000, "," * 100_000])
def test_hostile_digits_are_read_in_no_time_and_are_no_amount(text: str) -> None:
    assert len(numbers_in(text)) <= 2


def worth(arguments: JsonObject, schema: JsonObject | None = None) -> list[str]:
    found = [amount.worth for amount in amounts_of(arguments, schema)]
    return sorted(str(number) for each in found for number in each)


@pytest.mark.parametrize(
    ("arguments", "amounts"),
    [
        ({"amount_cents": 1999}, ["19.99"]),
        ({"priceInCents": "1999"}, ["19.99"]),
        ({"amount_cents": -1999}, ["19.99"]),
        ({"amount_minor": 1999, "currency": "USD"}, ["19.99"]),
        ({"amount_minor": 1999, "currency": "jpy"}, ["1999"]),
        ({"amount_cents": 1999, "currency": "KRW"}, ["1999"]),
        ({"amount_minor": 1999, "currency_code": "KWD"}, ["1.999"]),
        ({"amount_fils": 1999}, ["1.999"]),
        ({"price": {"minor_units": 1999, "currency": "BHD"}}, ["1.999"]),
        ({"lines": [{"cents": 50}, {"cents": 75}], "currency": "EUR"}, ["0.50", "0.75"]),
        ({"amount": 1999, "currency": "usd"}, ["19.99", "1999"]),
        ({"amount": 19.99, "currency": "usd"}, ["19.99"]),
        ({"amount": 1999}, ["1999"]),
    ],
)
def test_a_field_says_by_its_name_and_currency_what_it_holds(
    arguments: JsonObject, amounts: list[str]
) -> None:
    assert worth(arguments) == amounts


@pytest.mark.parametrize(
    "value", [{"order_id": 1999}, {"paid_in_cents": True}, {"name": "1999"}, {"amount_cents": "x"}]
)
def test_what_is_no_amount_is_worth_nothing(value: JsonObject) -> None:
    assert worth(value) == []


@pytest.mark.parametrize(
    ("described", "amounts"),
    [
        ("Amount in cents", ["19.99"]),
        ("In the smallest currency unit", ["19.99"]),
        ("Amount in dollars", ["1999"]),
        ("Whole euros, not in cents", ["1999"]),
        ("Share in percent", ["1999"]),
    ],
)
@pytest.mark.parametrize("key", ["amount", "amount_cents"])
def test_a_schema_says_it_before_the_name(key: str, described: str, amounts: list[str]) -> None:
    field: JsonObject = {"type": "integer", "description": described}
    schema: JsonObject = {"type": "object", "properties": {key: field}}
    assert worth({key: 1999, "currency": "USD"}, schema) == amounts


def test_a_number_that_is_an_id_elsewhere_is_no_amount() -> None:
    assert worth_of({"amount_cents": 1999}) == {"1999": {Decimal("19.99")}}
    assert worth_of({"amount_cents": 1999, "order_id": 1999}) == {}


@pytest.mark.parametrize(
    ("listed", "value", "same"),
    [
        ("$19.99", 1999, True),
        ("19,99 €", 1999, True),
        ("$29.99", 1999, False),
        ("$1,999.00", 1999, False),
        ("nothing", 1999, False),
    ],
)
def test_a_listed_amount_is_that_of_the_call(listed: str, value: JsonValue, same: bool) -> None:
    assert means(listed, "amount_cents", value) is same
