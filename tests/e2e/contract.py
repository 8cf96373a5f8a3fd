# SPDX-License-Identifier: Apache-2.0
"""Each HTTP answer against the description of the API, gatewayd/openapi.json."""

import functools
import json
import pathlib
import re
import urllib.parse

import jsonschema

FILE = pathlib.Path(__file__).resolve().parents[2] / "gatewayd" / "openapi.json"


def inlined(node, root):
    """A copy in which each reference is replaced by what it refers to."""
    if isinstance(node, list):
        return [inlined(one, root) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = root
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return inlined(target, root)
    return {key: inlined(value, root) for key, value in node.items()}


TEXT = FILE.read_text()
DESCRIPTION = inlined(json.loads(TEXT), json.loads(TEXT))
PATHS = DESCRIPTION["paths"]
SHARED = DESCRIPTION["components"]["responses"]

# What may be answered before the path or the method is looked at.
EARLY = {
    "400": SHARED["Malformed"],
    "403": SHARED["Forbidden"],
    "413": SHARED["TooLarge"],
    "414": SHARED["TargetTooLong"],
    "503": SHARED["Unavailable"],
}


def path_of(target):
    """The path that a request's target means; None for one that is in no description."""
    target = re.sub(r"^https?://[^/?#]*", "", target, flags=re.I)
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    return None if "%2f" in path.lower() else urllib.parse.unquote(path)


def responses_of(method, path):
    """The answers that are described, by status."""
    if path not in PATHS:
        return EARLY | {"404": SHARED["NotFound"]}
    described = PATHS[path]
    if method.lower() in described:
        return described[method.lower()]["responses"]
    gone = {"404": SHARED["NotFound"]} if "404" in described["get"]["responses"] else {}
    return EARLY | gone | {"405": SHARED["MethodNotAllowed"]}


@functools.cache
def validator(path, method, status, media):
    schema = responses_of(method, path)[status]["content"][media]["schema"]
    return jsonschema.Draft4Validator(schema)


def check_headers(response, headers, path):
    for name, header in response.get("headers", {}).items():
        value = headers.get(name.lower())
        assert value is not None or not header.get("required"), f"no header {name}"
        assert value is None or value in header["schema"]["enum"], f"{name}: {value}"
    if "allow" in headers:
        assert headers["allow"] == ", ".join(name.upper() for name in PATHS[path])


def check(method, target, status, headers, body):
    """Fails if such an answer (headers by their names in lower case) is not described."""
    path, status = path_of(target), str(status)
    what = f"{method} {target[:200]}: {status} {body[:1000]!r}"
    responses = responses_of(method, path)
    assert status in responses, f"not described: {what}"
    check_headers(responses[status], headers, path)
    media = headers.get("content-type", "")
    assert media in responses[status]["content"], f"{media}: {what}"
    if method == "HEAD":
        assert body == b"", what
        return
    text = body.decode()
    content = json.loads(text) if media == "application/json" else text
    found = validator(path if path in PATHS else None, method, status, media)
    for error in found.iter_errors(content):
        raise AssertionError(f"{error.message}: {what}")
