"""One redactor for the gateway's store, its spans, and cassettes."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.errors import ConfigError
from sidecritic.redaction import LONGEST, REDACTED, Redactor, redactor_of

CREDENTIALS = [
    "sk-proj-abcdefgh12345678",
    "sk-ant-api03-abcdefgh_12345678",
    "rk_live_abcdefgh12345678",
    "key-abcdefgh12345678",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl",
    "glpat-abcdefghijklmnopqrst",
    "xoxb-1234567890-abcdefghij",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc",
    "Bearer abcdef0123456789",
    "Bearer " + "t" * 20,
    "Basic dXNlcjpwYXNzd29yZA==",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]

NAMES = [
    *("password", "passwd", "passphrase", "pwd", "db_password", "Password"),
    *("secret", "clientSecret", "client_secret", "AWS_SECRET_ACCESS_KEY", "credentials"),
    *("token", "accessToken", "refresh_token", "sessionToken", "tokens"),
    *("api_key", "apiKey", "APIKey", "apikey", "x-api-key", "OPENAI_API_KEY", "private_key"),
    *("authorization", "Cookie", "Set-Cookie", "Proxy-Authorization"),
]

HARMLESS = [
    "order #W1000001",
    "sk-8 skis",
    "user_id freya_linde_5512",
    "Basic economy. Basic information on my flight",
    "the secretary: Bob",
    "the key: a monkey: both",
    "https://example.com/a:b/c@d",
    "max_tokens: 512, tokens: 12, token_count=3",
    "",
]


@pytest.mark.parametrize("secret", CREDENTIALS)
def test_what_looks_like_a_credential_is_taken_out_and_the_rest_stays(secret: str) -> None:
    assert Redactor().text(f"before {secret} after") == f"before {REDACTED} after"


@pytest.mark.parametrize("name", NAMES)
def test_a_text_under_the_name_of_a_secret_is_taken_out_wherever_it_stands(name: str) -> None:
    redactor = Redactor()
    said: JsonValue = {name: "hunter 2", "order": "B2", "n": 1}
    clean = {name: REDACTED, "order": "B2", "n": 1}
    assert redactor.value(said) == clean
    assert redactor.value({"a": [said]}) == {"a": [clean]}
    once = json.dumps(said)
    assert json.loads(redactor.text(once)) == clean
    twice = json.dumps({"raw": once})
    assert json.loads(json.loads(redactor.text(twice))["raw"]) == clean
    listed: JsonValue = {name: ["hunter 2", "hunter 3"], "order": ["B2"], "n": [1]}
    assert json.loads(redactor.text(json.dumps(listed))) == redactor.value(listed)
    raw: JsonValue = {"raw": json.dumps(listed)}
    assert json.loads(json.loads(redactor.text(json.dumps(raw)))["raw"]) == redactor.value(listed)
    assert redactor.text(f"{name}: hunter2\nnext") == f"{name}: {REDACTED}\nnext"
    assert (
        redactor.text(f"{{'{name}': 'hunter 2', 'n': 1}}") == f"{{'{name}': '{REDACTED}', 'n': 1}}"
    )


def test_a_password_in_an_address_is_taken_out() -> None:
    shown = Redactor().text("postgresql://admin:hunter2@db.internal/shop")
    assert shown == f"postgresql://{REDACTED}@db.internal/shop"


def test_a_header_is_taken_out_to_the_end_of_its_line() -> None:
    assert Redactor().text("Cookie: a=1; b=2\nHost: x") == f"Cookie: {REDACTED}\nHost: x"


@pytest.mark.parametrize("value", ['a "quoted" \\ b', "it's\nlong", "\\", ""])
def test_a_quoted_secret_ends_where_its_json_ends(value: str) -> None:
    said = {"password": value, "order": "B2"}
    for times in range(3):
        written = json.dumps(said)
        for _ in range(times):
            written = json.dumps(written)
        read = Redactor().text(written)
        for _ in range(times):
            read = json.loads(read)
        assert json.loads(read) == {"password": REDACTED if value else "", "order": "B2"}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_numbers_and_their_names_stay() -> None:
    said: JsonValue = {
        "usage": {"input_tokens": 512, "output_tokens": 7, "token_count": 3, "max_tokens": 1.5},
        **dict(zip(NAMES, range(99), strict=False)),
        "secret": True,
        "token": None,
    }
    redactor = Redactor()
    assert redactor.value(said) == said
    for written in (json.dumps(said), json.dumps({"raw": json.dumps(said)}), repr(said)):
        assert redactor.text(written) == written


def test_schemas_of_tools_stay() -> None:
    schema: JsonValue = {"properties": {"password": {"type": "string"}}, "required": ["password"]}
    assert Redactor().value(schema) == schema


@given(st.recursive(st.integers() | st.booleans() | st.none(), lambda s: st.lists(s, max_size=3)))
def test_what_holds_no_text_is_never_changed(value: JsonValue) -> None:
    under: JsonValue = dict.fromkeys(NAMES, value)
    assert Redactor().value(under) == under


def test_the_operator_adds_patterns_which_have_to_be_regular_expressions() -> None:
    assert redactor_of([r"\bC-\d{8}\b"]).text("customer C-12345678") == f"customer {REDACTED}"
    with pytest.raises(ConfigError, match=r"store\.redact"):
        redactor_of(["("])


@pytest.mark.parametrize(
    "piece",
    [
        *("eyJ0-", "eyJ00000000.", "eyJ" + "-eyJ" * 120 + ".", "://a:", "\\", "key", "token  "),
        *("-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "bearer ", "basic a", "sk-", "password:"),
        *("key=", "key:'", "secret:{", "secret: [", 'token: ["a", ', "max_tokens: ", "hf_", "npm_"),
        *('password:"', 'password: "a', "password:\\", "password:\\'", "Cookie: a", "a" * 50),
        *("Set-Cookie: ", 'key\\":\\"', "AKIA", "AIza", "accessToken", "clientSecret=a,"),
    ],
)
def test_hostile_text_costs_time_that_grows_with_its_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = process_time()
        Redactor().text(f"{text} x")
        return process_time() - started

    seconds(1_000)
    # Sixteen times the text; a square would cost 256 times.
    assert seconds(160_000) < 80 * max(seconds(10_000), 0.002)


def test_of_a_very_long_text_the_beginning_is_kept_and_the_rest_counted() -> None:
    kept = Redactor().text("password: hunter2 " + "x" * LONGEST)
    assert kept.startswith(f"password: {REDACTED} xxx")
    assert kept.endswith("x [18 characters left out]")


@pytest.mark.parametrize("secret", ["bEARER abcdef0123456789", "BASIC dXNlcjpwYXNzd29yZA=="])
def test_the_case_of_a_scheme_does_not_matter(secret: str) -> None:
    assert Redactor().text(secret) == REDACTED
