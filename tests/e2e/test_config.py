# SPDX-License-Identifier: Apache-2.0
"""The configuration file and the command lines, as the daemons take and refuse them."""

import json
import re
import signal
import socket
import subprocess

import pytest

from link import wait_until
from stack import BATTERY, BATTERY_DEV, BUILD, DAEMONS, DCDC, ROOT, SETUP, merged, yaml

USAGE, CONFIG, LIVE = 2, 78, 75
NO_BATTERY = "{name: none, class: 'None', config: battery_emulator}"

# The example of specification 5.1.3, word for word, with its comments.
SPECIFICATION = """\
ess_system:
  type: essx_type_oes
  dcdc_dev:
    name: dcdc1
    config: dcdc_default_eza2500
    class: 'ESSXRS485'
    params: ["/dev/ttyO2", 19200]
    kwparams:
      dir_pin: "P8_7"

battery_dev:
  name: battery
  config: battery_emulator
  class: 'ESSXModbus'
  params: []
  kwparams:
    method: 'rtu'
    port: "/dev/ttyO5"
    timeout: 1
    baudrate: 9600
    dir_pin: "P8_9"
  unit: 1 #MODBUSアドレス
  modbus_adr_rsoc: 30030
  modbus_adr_status: 30031

dcdc:
  dcdc_default_eza2500:
    type: tdk_eza2500
    number_of_dcdc_error_retry: 3 #エラー時のリトライ回数
    number_of_timeout_retry: 3 #タイムアウト時のリトライ回数
    wait_for_retry: 0.1 #リトライする場合の待ち時間
    config:
      cib: 52 #バッテリ上限電流
      ubv: 40 #バッテリ低電圧閾値
      obv: 59 #バッテリ過電圧閾値
      ugv: 300 #グリッド低電圧閾値
      ogv: 400 #グリッド過電圧閾値
      bcf: 0x0003 #コンバータ設定
      cvb: 57.6 #バッテリ目標電圧
      dlb: 49 #バッテリ放電終止電圧
      cdb: 1.2 #バッテリ充電上限予告電圧偏差
      ddb: 1.8 #バッテリ充電終止予告電圧偏差
      drb: 0.00 #バッテリドループ率

battery:
  battery_emulator:
    type: battery_emulator
    config:
      battery_voltage: 52.0
      battery_current: 20.0
      force_dcdc_waiting: No
"""

# As the Python driver's users have it: lists of one mapping, addresses, the battery's device under
# ess_system, the names of the specification's table.
IN_THE_FIELD = """\
ess_system:
  type: essx_type_oes
  dcdc_dev:
    - name: dcdc1
      config: dcdc_default_eza2500
      class: 'ESSXRS485'
      params: ["/dev/ttyUSB0", 19200]
      kwparams:
        dir_pin: "not_used"
      address1: 0
      address2: 16
  battery_dev:
    - name: battery
      config: battery_emulator
      class: 'ESSXModbus'
      params: []
      kwparams:
        method: 'rtu'
        port: "/dev/ttyUSB1"
        timeout: 1
        baudrate: 9600
        dir_pin: "not_used"
      unit: 1
      modbus_adr_rsoc: 30030
      modbus_adr_status: 30031
dcdc:
  dcdc_default_eza2500:
    type: tdk_eza2500
    number_of_dcdc_error_retry: 3
    number_of_timeout_retry: 3
    wait_retry: 0.1
    config: {cib: 52.08, ubv: 40, obv: 59, ugv: 300, ogv: 400, bcf: 0, tbv: 57.6, lbv: 49,
             cud: 1.2, dld: 1.8, drb: 0.00}
battery:
  battery_emulator:
    type: battery_emulator
    config:
      battery_voltage: 52.0
      battery_current: 20.0
      force_dcdc_waiting: yes
"""


def run(name, *arguments, **how):
    return subprocess.run(
        [BUILD / name, *map(str, arguments)], capture_output=True, text=True, timeout=20, **how
    )


def check(name, file, **how):
    return run(name, "--check-config", "--config", file, **how)


@pytest.fixture
def file(tmp_path):
    """A function that writes a configuration and returns its path."""

    def write(text):
        path = tmp_path / "dcdc_batt_comm.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("text", [SPECIFICATION, IN_THE_FIELD], ids=["specification", "field"])
def test_known_files_are_good(file, name, text):
    result = check(name, file(text))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", DAEMONS)
def test_the_installed_example_is_good(name):
    result = check(name, ROOT / "etc/dcdc_batt_comm.yml")
    assert (result.returncode, result.stderr) == (0, "")


def text_with(changes):
    return yaml(merged(changes)).replace("{dir}", "/tmp")


def line_of(text, key):
    """The number of the line where a key stands."""
    return 1 + next(n for n, one in enumerate(text.splitlines()) if one.strip().startswith(key))


# changes to a good file; the key whose line is named; what the message must hold
BAD = {
    "cib above its range": ({f"{SETUP}.cib": "56.78"}, "cib:", r"dcdc\S*config\.cib: .*56\.77"),
    "dvg of no use": ({f"{SETUP}.ugv": "259.9"}, "ugv:", r"config\.ugv: .*260"),
    "not a number": ({f"{SETUP}.ubv": "forty"}, "ubv:", r"config\.ubv: .*forty"),
    "infinite": ({f"{SETUP}.obv": ".inf"}, "obv:", r"config\.obv: "),
    "bcf too large": ({f"{SETUP}.bcf": "0x10000"}, "bcf:", r"config\.bcf: "),
    "required key": ({f"{SETUP}.drb": None}, "config:", r"drb"),
    "near miss": (
        {f"{DCDC}.comand_intervall": "0.01"},
        "comand_intervall:",
        r"comand_intervall: .*\bcommand_interval\b",
    ),
    "two names for one value": ({f"{SETUP}.tbv": "57.6"}, "tbv:", r"\bcvb\b"),
    "two waits": ({f"{DCDC}.wait_retry": "0.1"}, "wait_retry:", r"wait_for_retry"),
    "unknown class": ({"ess_system.dcdc_dev.class": "ESSXRS232"}, "class:", r"ESSXRS485"),
    "reference to nothing": ({"ess_system.dcdc_dev.config": "dcdc2"}, "config:", r"dcdc2"),
    "wrong nesting": ({BATTERY: "yes"}, "config:", r"battery\S*config: "),
    "negative time": ({f"{DCDC}.reply_timeout": "-1"}, "reply_timeout:", r"reply_timeout: "),
    "not a boolean": (
        {f"{BATTERY}.force_dcdc_waiting": "maybe"},
        "force_dcdc_waiting:",
        r"force_dcdc_waiting: .*maybe",
    ),
    "register out of range": (
        {f"{BATTERY_DEV}.modbus_adr_rsoc": "29"},
        "modbus_adr_rsoc:",
        r"modbus_adr_rsoc: ",
    ),
    "ascii modbus": ({f"{BATTERY_DEV}.kwparams.method": "ascii"}, "method:", r"method: .*rtu"),
    "guard without a battery": (
        {BATTERY_DEV: NO_BATTERY, f"{BATTERY}.force_dcdc_waiting": "Yes"},
        "battery_dev:",
        r"force_dcdc_waiting",
    ),
    "guard without measurements": (
        {
            f"{BATTERY_DEV}.poll_interval": "5.1",
            f"{BATTERY_DEV}.max_age": "20",
            f"{BATTERY}.force_dcdc_waiting": "Yes",
        },
        "poll_interval:",
        r"poll_interval: .*battery_check_interval",
    ),
    "no such unit": ({f"{BATTERY_DEV}.unit": "248"}, "unit:", r"unit: .*247"),
}


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("case", BAD)
def test_bad_values(file, name, case):
    changes, key, message = BAD[case]
    text = text_with(changes)
    path = file(text)
    result = check(name, path)
    assert result.returncode == CONFIG
    assert result.stderr.count("\n") == 1
    where, _, what = result.stderr.partition(": ")
    assert where.startswith(f"{path}:")
    if case != "required key":
        wanted = [n for n, one in enumerate(text.splitlines(), 1) if one.strip().startswith(key)]
        assert int(where.rpartition(":")[2]) in wanted
    assert re.search(message, what)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", r":\d+: .*empty"),
        ("# nothing\n", r":\d+: .*empty"),
        ("- 1\n", r":1: "),
        ("a: b: c\n", r":1: "),
        (b"ess_system: \xff\n", r":1: "),
        ("ess_system: {" * 5000, r": "),
        (text_with({}) + "dcdc: {}\n", r":\d+: dcdc: .*(twice|duplicate|already)"),
        (text_with({}) + "---\nx: 1\n", r":\d+: "),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + text_with({}), r":1: a: "),
        ("#" * 70000, r": .*(size|large|64)"),
    ],
    ids=["empty", "comments", "list", "syntax", "utf8", "deep", "twice", "two", "bomb", "huge"],
)
def test_bad_files(file, text, message):
    path = file(text)
    result = check("dcdcd", path)
    assert result.returncode == CONFIG
    assert result.stderr.startswith(str(path))
    assert re.search(message, result.stderr)
    assert "\n" not in result.stderr.rstrip("\n")


@pytest.mark.parametrize("name", DAEMONS)
def test_missing_file(tmp_path, name):
    path = tmp_path / "none.yml"
    for arguments in (["--check-config"], ["--run-dir", tmp_path]):
        result = run(name, "--config", path, *arguments)
        assert result.returncode == CONFIG
        assert f"{path}" in result.stderr
        assert "No such file or directory" in result.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_a_bad_file_stops_the_start(file, tmp_path, name):
    result = run(name, "--config", file(text_with({f"{SETUP}.cib": "99"})), "--run-dir", tmp_path)
    assert result.returncode == CONFIG
    assert "config.cib: " in result.stderr
    assert not list(tmp_path.glob("*.sock"))


def test_default_file_is_the_one_here(file):
    path = file(text_with({f"{SETUP}.cib": "99"}))
    result = run("dcdcd", "--check-config", cwd=path.parent)
    assert result.returncode == CONFIG
    assert result.stderr.startswith("dcdc_batt_comm.yml:")


@pytest.mark.parametrize("name", DAEMONS)
def test_print_config(file, name):
    """Defaults are shown, and what is printed is a configuration itself."""
    printed = run(name, "--print-config", "--config", file(text_with({})))
    assert printed.returncode == 0, printed.stderr
    tree = json.loads(printed.stdout)
    assert tree["ess_system"]["dcdc_dev"]["kwparams"]["baudrate"] == "19200"
    assert tree["gateway"]["idle_timeout"] == 60
    again = run(name, "--print-config", "--config", file(printed.stdout))
    assert (again.returncode, again.stdout) == (0, printed.stdout)


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("arguments", [["--nonsense"], ["stray"], ["--config"]])
def test_wrong_usage(name, arguments):
    result = run(name, *arguments)
    assert result.returncode == USAGE
    assert result.stdout == "" and result.stderr != ""


@pytest.mark.parametrize("port", ["-1", "65536", "http", "", "80x"])
def test_wrong_port(port):
    assert run("gatewayd", "--port", port).returncode == USAGE


@pytest.mark.parametrize("name", ["dcdcd", "battd"])
@pytest.mark.parametrize("option", ["--port=0", "--host=::1", "--goodbye"])
def test_web_options_are_gatewayd_s(name, option):
    assert run(name, option).returncode == USAGE


@pytest.mark.parametrize("name", DAEMONS)
def test_help_and_version(name):
    helped = run(name, "--help")
    assert helped.returncode == 0
    for option in ("--config", "--run-dir", "--check-config", "--debug", "--version", "--help"):
        assert option in helped.stdout
    assert ("--goodbye" in helped.stdout) == (name == "gatewayd")
    assert re.fullmatch(rf"{name} \d+\.\d+\.\d+\n", run(name, "--version").stdout)


@pytest.mark.parametrize("name", DAEMONS)
def test_a_live_instance_keeps_its_socket(stack, name):
    stack.start(name)
    second = run(name, *stack.arguments(name, None))
    assert second.returncode == LIVE
    assert str(stack.socket(name)) in second.stderr
    assert stack.rpc(name, "ping") == "pong"


def test_an_address_in_use(stack):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("gatewayd", *stack.arguments("gatewayd", None), "--port", port)
    assert result.returncode == LIVE
    assert str(port) in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", DAEMONS)
def test_asked_to_stop(stack, name, number):
    stack.start(name)
    stack.end(name, number)
    assert not stack.socket(name).exists()


def test_sockets_have_mode_0660(stack):
    stack.start(*DAEMONS)
    assert {stack.socket(name).stat().st_mode & 0o777 for name in DAEMONS} == {0o660}


def test_run_directory_from_the_environment(stack, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{stack.dir}:/nowhere")
    monkeypatch.setattr(stack, "arguments", lambda *_: ["--config", stack.config_file])
    stack.start("battd")
    assert stack.rpc("battd", "ping") == "pong"


def test_numbers_are_echoed_as_written(stack):
    stack.start(config={f"{SETUP}.cib": "52.08", f"{SETUP}.ubv": "40.0", f"{SETUP}.drb": "0"})
    body = stack.get("/remote/ioctl/set").body.decode()
    assert re.search(r'"cib": ?52\.08[,}]', body)
    assert re.search(r'"ubv": ?40\.0[,}]', body)
    assert re.search(r'"drb": ?0[,}]', body)


def test_setup_is_read_again(unit):
    assert unit.ok("/remote/ioctl/set")["dcdc_setup_parameter"]["dlb"] == 49
    unit.write_config({f"{SETUP}.dlb": "48.5", f"{SETUP}.obv": "58"})
    unit.wire()
    assert unit.ok("/remote/ioctl/set")["dcdc_setup_parameter"]["dlb"] == 48.5
    wire = unit.wire()
    assert wire.request("7-4").raws["dlb"] == int(2**14 * 48.5 / 48)
    assert wire.request("6-4").raws["obv"] == int(2**14 * 58 / 48)
    assert unit.ok("/dcdc/get")["param"]["obv"] == 58


def test_a_bad_new_setup_changes_nothing(unit):
    unit.write_config({f"{SETUP}.dlb": "48.5", f"{SETUP}.cib": "99"})
    reply = unit.get("/remote/ioctl/set")
    assert reply.status == 400
    assert re.fullmatch(rf"{unit.config_file}:\d+: \S+config\.cib: .+", reply.error)
    assert unit.wire() == []
    assert unit.ok("/dcdc/get")["param"]["cib"] == 52
    unit.config_file.unlink()
    assert unit.get("/remote/ioctl/set").status == 400
    unit.write_config()
    assert unit.ok("/remote/ioctl/set")["dcdc_setup_parameter"]["dlb"] == 49


def test_guard_is_switched_on_by_the_reload(unit):
    def guard():
        return unit.rpc("dcdcd", "status")["guards"]["battery"]

    assert guard() == {"enabled": False}
    unit.write_config({f"{BATTERY}.force_dcdc_waiting": "Yes"})
    unit.ok("/remote/ioctl/set")
    wait_until(lambda: guard().get("permitted"))


def test_no_battery(stack):
    stack.start(
        "eza2500-sim",
        *DAEMONS,
        config={BATTERY_DEV: NO_BATTERY},
    )
    for path in ("/battery/get", "/1/log/data", "/all/get", "/remote/ioctl/get"):
        reply = stack.get(path)
        assert reply.status == 400
        assert "no battery" in reply.error
    assert stack.ok("/dcdc/get")["status"]["operationMode"] == "Waiting"
    assert stack.ok("/dcdc/set?mode=0x0002&dvg=350&dig=2")["status"]["status"] == "0x0002"
