# SPDX-License-Identifier: Apache-2.0
"""The description of the API: sound, served as it is, and strict enough to fail."""

import json
import pathlib

import jsonschema
import pytest

import contract

SCHEMA = pathlib.Path("/usr/share/openapi-specification/schemas/v3.0/schema.json")
JSON = {"content-type": "application/json", "cache-control": "no-store"}


def test_it_is_openapi_3_0():
    description = json.loads(contract.TEXT)
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(description)
    for name, schema in contract.DESCRIPTION["components"]["schemas"].items():
        jsonschema.Draft4Validator.check_schema(schema)
        if schema["type"] == "object":  # nothing may be added or left out without a word
            assert schema["additionalProperties"] is False, name


def test_each_component_is_used():
    """But for the answer to methods that are not described, which no path can name."""
    components = json.loads(contract.TEXT)["components"]
    for kind, members in components.items():
        for name in set(members) - {"MethodNotAllowed"}:
            assert f'"#/components/{kind}/{name}"' in contract.TEXT, name


def test_it_is_served(unit):
    reply = unit.get("/openapi.json")
    assert reply.body.decode() == contract.TEXT
    version = unit.ok("/version/get")["dcdc_batt_comm_version"]
    assert reply.json["info"]["version"] == version


def test_a_long_target_is_described(unit):
    """The shortest that is refused; the answer is held to the description as all are."""
    for path in ("/version/get", "/nothing"):
        assert unit.get(f"{path}?{'x' * (4095 - len(path))}").status != 414
        assert "4096" in unit.get(f"{path}?{'x' * (4096 - len(path))}").error


def answer(method="GET", path="/battery/get", status=200, headers=None, body=None):
    good = {"battery_operation_status": 3, "rsoc": 50.5}
    text = json.dumps(good if body is None else body).encode() if method != "HEAD" else b""
    contract.check(method, path, status, JSON if headers is None else headers, text)


def test_good_answers_pass():
    answer()
    answer(path="/%62attery/get?x=1#y")
    answer(path="http://localhost:1/battery/get")
    answer(method="HEAD")
    answer(status=400, body={"err": "x"})
    answer(path="/nothing", status=404, body={"err": "x"})
    answer(method="POST", status=405, headers=JSON | {"allow": "GET, HEAD"}, body={"err": "x"})
    contract.check("GET", "/all/get", 413, {"content-type": "text/html"}, b"<HTML>")


@pytest.mark.parametrize(
    "bad",
    [
        {"status": 404},
        {"status": 201},
        {"path": "/nothing"},
        {"path": "/battery%2fget"},
        {"path": "/battery/get/"},
        {"body": {"battery_operation_status": 3}},
        {"body": {"battery_operation_status": 3, "rsoc": None}},
        {"body": {"battery_operation_status": 3, "rsoc": "50"}},
        {"body": {"battery_operation_status": 3, "rsoc": 50, "age": 1}},
        {"body": {"battery_operation_status": 2, "rsoc": 50}},
        {"body": {"battery_operation_status": 3, "rsoc": 100.1}},
        {"status": 400, "body": {"err": ""}},
        {"status": 400, "body": {"err": "x", "more": 1}},
        {"status": 405, "body": {"err": "x"}},
        {"method": "POST"},
        {"method": "POST", "status": 405, "headers": JSON, "body": {"err": "x"}},
        {"method": "POST", "status": 405, "headers": JSON | {"allow": "GET"}, "body": {"err": "x"}},
        {"headers": {"content-type": "text/html", "cache-control": "no-store"}},
        {"headers": {"content-type": "application/json"}},
        {"headers": {"cache-control": "no-store"}},
    ],
)
def test_bad_answers_do_not(bad):
    with pytest.raises(AssertionError):
        answer(**bad)
