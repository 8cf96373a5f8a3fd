# SPDX-License-Identifier: Apache-2.0
"""What the documents say about files, paths, methods, errors, metrics, targets is what there is."""

import json
import re
import subprocess

import pytest

import contract
import scrape
from link import Line, request_line, wait_until
from stack import BATTERY, BATTERY_DEV, BUILD, CONFIG, DAEMONS, ROOT, merged, yaml

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("doc/*.md")])
FIRST_CELLS = re.compile(r"^\| (.+?) \|", re.MULTILINE)


def read(name):
    return (ROOT / name).read_text()


def part(text, heading):
    """What stands below a heading, without the parts of the same or a higher level after it."""
    level = re.match("#*", heading)[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.S | re.M)
    assert found, heading
    return found[1]


def named(text, pattern=r"`([^`]+)`"):
    """What stands in backticks in the first cells of tables."""
    return {name for cell in FIRST_CELLS.findall(text) for name in re.findall(pattern, cell)}


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# links


def check_links(document):
    """Each leads to a file, and to a heading in it."""
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", document.read_text()):
        if target.startswith("http"):
            continue
        file = (document.parent / target) if target else document
        assert file.exists(), target
        if heading:
            text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.S | re.M)
            anchors = {anchor(one) for one in re.findall(r"^#+ (.+)$", text, re.M)}
            assert heading in anchors, f"{target}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document):
    check_links(document)


def test_links_of_what_is_installed(tmp_path):
    (ROOT / "build").mkdir(exist_ok=True)
    subprocess.run(
        ["flock", "build/.lock", "make", "-s", "install", f"DESTDIR={tmp_path}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    installed = list(tmp_path.rglob("*.md"))
    assert {path.name for path in installed} == {path.name for path in DOCUMENTS}
    for document in installed:
        check_links(document)


def test_each_document_is_listed():
    listed = set(re.findall(r"\]\((?:doc/)?([\w-]+\.md)\)", part(read("README.md"), "## Further reading")))
    assert listed >= {path.name for path in DOCUMENTS} - {"README.md"}


# architecture.md: no file is missing and none is made up


@pytest.mark.parametrize("folder", ["common", "dcdcd", "battd", "gatewayd"])
def test_sources_are_described(folder):
    table = part(read("doc/architecture.md"), "## Files")
    section = re.search(rf"^`{folder}/`.*?\n\n(.*?)(?=\n\n`|\Z)", table, re.S | re.M)[1]
    files = {path.stem for path in (ROOT / folder).glob("*.[ch]")}
    assert {name.removesuffix(".h") for name in named(section)} <= files
    assert files <= {name.removesuffix(".h") for name in re.findall(r"`([^`]+)`", section)}


@pytest.mark.parametrize("folder", ["scripts", "etc"])
def test_scripts_and_installed_files_are_described(folder):
    table = part(read("doc/architecture.md"), "## Files")
    section = re.search(rf"^`{folder}/`\n\n(.*?)(?=\n\n`|\Z)", table, re.S | re.M)[1]
    there = {path.name + "/" * path.is_dir() for path in (ROOT / folder).iterdir()}
    assert named(section) == there - {"__pycache__/"}


def test_tests_are_described():
    """Their folders, what they share, and what they are beside tests by themselves."""
    text = part(read("doc/architecture.md"), "## Tests")
    for folder in (path for path in (ROOT / "tests").iterdir() if path.is_dir()):
        assert f"tests/{folder.name}/" in text
    shared = {path.name for path in (ROOT / "tests/e2e").glob("*.py") if not path.name.startswith("test_")}
    shared |= {path.name for path in (ROOT / "tests/e2e").glob("*.yml")}
    described = set(re.findall(r"`([\w.]+\.(?:py|yml))`", part(text, "### End to end")))
    assert {name for name in described if not name.startswith("test_")} == shared


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document):
    text = re.sub(r"`doc/adding.*", "", document.read_text())
    for name in re.findall(r"`((?:common|dcdcd|battd|gatewayd|etc|scripts|tests|doc)/[\w./-]+)[`:]", text):
        assert (ROOT / name).exists(), name


def test_functions_that_are_named_exist():
    """`dir/file.c: one` and `two` of the walk through the files."""
    text = part(read("doc/architecture.md"), "## A request, from socket to wire and back")
    for file, name, more in re.findall(r"`([\w/]+\.c): (\w+)`((?: and `\w+`)*)", text):
        for function in [name, *re.findall(r"`(\w+)`", more)]:
            assert re.search(rf"^\w.*\b{function}\(", read(file), re.M), f"{file}: {function}"


# interfaces


def test_paths():
    described = named(part(read("doc/rest-api.md"), "## Paths"), r"`(/[^?`]*)")
    assert described == set(contract.PATHS)


def test_statuses():
    """Those of the API's description, and 405, which no described method gets."""
    statuses = re.findall(r"^\| (\d+) \|", part(read("doc/rest-api.md"), "## Errors"), re.M)
    methods = [method for path in contract.PATHS.values() for method in path.values()]
    described = {status for method in methods for status in method["responses"]}
    assert {"200", *statuses} == described | {"405"}


def test_reasons():
    table = set(re.findall(r"^\| (-\d+) \| `(\w+)` \|.*\| (\d+) \|$", read("doc/socket-protocol.md"), re.M))
    source = re.findall(r'\{"(\w+)", (-\d+), (\d+)\}', read("common/reason.c"))
    assert table == {(code, name, status) for name, code, status in source}


@pytest.mark.parametrize("name", DAEMONS)
def test_methods(stack, name):
    """Each has its part, below its daemon or what all have."""
    stack.start(name)
    with Line(stack.socket(name)) as line:
        line.send(request_line("list_methods"))
        methods = {method["name"] for method in line.receive_json()["result"]}
    text = read("doc/socket-protocol.md")
    headings = set()
    for heading in ("## All daemons", f"## {name}.sock"):
        headings |= set(re.findall(r"^### (\w+)", part(text, heading), re.M))
    assert headings == methods - ({"trace"} if name == "gatewayd" else set()) | headings & {"trace"}


def test_metrics(stack):
    """Each family is in metrics.md, and no other; so are the kinds of errors."""
    text = read("doc/metrics.md")
    stack.start(config={f"{BATTERY}.force_dcdc_waiting": "Yes"})  # else a guard shows less
    stack.ok("/all/get")
    wait_until(lambda: "dcdc_supervisor_last_seen_timestamp_seconds" in scrape.scrape(stack).types)
    metrics = scrape.scrape(stack)
    families = {name for name in named(text, r"`(\w+)`") if re.match("dcdc_|process_", name)}
    assert families == set(metrics.types)
    kinds = set(re.findall(r'kind="(\w+)"', " ".join(metrics.of("dcdc_errors_total"))))
    assert {cell.strip("`") for cell in FIRST_CELLS.findall(part(text, "## Both lines"))} >= kinds


def test_alerts():
    """Those of the example rules, with the times after which they come."""
    rules = read("etc/prometheus/dcdc_batt_comm.rules.yml")
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert named(part(read("doc/operations.md"), "## Alerts")) == set(alerts)


def test_log_modules():
    sources = [path for folder in ("common", *DAEMONS) for path in (ROOT / folder).glob("*.c")]
    modules = {
        module
        for path in sources
        for module in re.findall(r'(?:log_(?:error|warning|info|debug)|trace_log)\(\s*"(\w+)"', path.read_text())
    } | {"audit"}  # log_audit
    table = part(read("doc/operations.md"), "## Log")
    assert {name for name in named(table) if name.islower()} == modules


def test_make_targets():
    """Each that `make help` lists is in the README's table, and no other."""
    printed = subprocess.run(["make", "-s", "help"], cwd=ROOT, text=True, capture_output=True).stdout
    targets = set(re.findall(r"^  ([\w-]+) ", printed, re.M))
    table = part(read("README.md"), "## Building and installing")
    described = set(re.findall(r"`make ?([\w-]*)`", table))
    assert {name or "all" for name in described} == targets


# settings


def settings():
    """The tables of README and operations.md: (document, key, default as it stands there)."""
    for name in ("README.md", "doc/operations.md"):
        for keys, default in re.findall(r"^\| (`[\w.<>`, ]+`) \| ([^|]*) \|", read(name), re.M):
            for key in re.findall(r"`(\w+\.[\w.<>]+)`", keys):
                if default.strip():
                    yield name, key, default.strip().strip("`").removesuffix(": off")


@pytest.mark.parametrize("document, key, default", settings())
def test_defaults(tmp_path, document, key, default):
    """The daemon does without the key what it does with this."""
    value = default.split()[0] if not default.startswith("[") else default
    names = {"dcdc": "dcdc_default_eza2500", "battery": "battery_emulator"}
    path = key.replace("<name>", names.get(key.split(".")[0], ""))
    path = path if path.split(".")[0] in CONFIG or path.startswith("gateway") else f"ess_system.{path}"
    printed = []
    beside = {} if path.endswith("max_age") else {f"{BATTERY_DEV}.max_age": "5"}
    for changes in (beside | without(path), beside | {path: value}):
        file = tmp_path / "dcdc_batt_comm.yml"
        file.write_text(yaml(merged(changes)).replace("{dir}", "/dev"))
        done = subprocess.run(
            [BUILD / "dcdcd", "--print-config", "--config", file], text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        printed.append(json.loads(done.stdout))
    assert printed[0] == printed[1]


def without(path):
    node = CONFIG
    for name in path.split("."):
        if name not in node:
            return {}
        node = node[name]
    return {path: None}
