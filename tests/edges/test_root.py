"""The command line as a whole: it starts fast, ends with the contract's codes, and keeps its streams apart."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from structlog.testing import capture_logs

import verifier
from verifier.core.faults import ConfigError, InputError, OperatorError, ServiceUnavailable
from verifier.edges.cli import root as cli
from verifier.edges.cli.exit_codes import ExitCode, Terminated, exit_code_of
from verifier.edges.cli.session import report_fault

PYTHON = [sys.executable, "-m", "verifier"]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`run` takes SIGTERM over, and writes of its faults into the temporary folder: neither outlives a test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """`verifier config` raises what is put into the list."""
    errors: list[BaseException] = []

    @click.command("config")
    def config_command() -> None:
        raise errors[0]

    monkeypatch.setattr(cli.LazyCommands, "get_command", lambda *_: config_command)
    yield errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperatorError("x"), 64),
        (ConfigError("x"), 64),
        (click.BadParameter("x"), 64),
        (InputError("x"), 65),
        (ServiceUnavailable("x"), 69),
        (KeyError("x"), 70),
        (OSError("x"), 70),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ],
)
def test_every_end_has_its_code(
    error: BaseException, code: int, failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator's faults, ours, and interruptions are told apart; stdout stays empty."""
    failing.append(error)
    assert exit_code_of(error) == code
    assert cli.run(["config"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err != ""


def test_a_fault_of_ours_is_one_sentence_and_a_file(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback in the operator's face; the details lie where the sentence says."""
    failing.append(RuntimeError("the inner cause"))
    assert cli.run(["config"]) == ExitCode.FAULT
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    assert sentence.startswith("Sorry, that is a fault of this program")
    place = re.search(r"the details are in (\S+)\.$", sentence.strip())
    assert place is not None
    assert "RuntimeError: the inner cause" in Path(place[1]).read_text()


@pytest.mark.parametrize("arguments", [["nonsense"], ["config", "--nonsense"], ["--nonsense"], []])
def test_bad_usage_ends_with_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """click's own 2 would be taken for the gate's `hold`."""
    assert cli.run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_a_command_may_give_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command returns, or exits with, is what the process ends with."""

    @click.command("config")
    @click.option("--leave", is_flag=True)
    @click.pass_context
    def config_command(ctx: click.Context, leave: bool) -> ExitCode:
        if leave:
            ctx.exit(ExitCode.INPUT)
        return ExitCode.UNAVAILABLE

    monkeypatch.setattr(cli.LazyCommands, "get_command", lambda *_: config_command)
    assert cli.run(["config"]) == 69
    assert cli.run(["config", "--leave"]) == 65


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    """One version, in the package, the project file and on the command line."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == verifier.__version__
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"verifier, version {verifier.__version__}\n"


def test_help_imports_no_command() -> None:
    """`verifier --help` is fast because it loads neither a command nor a library of theirs."""
    code = (
        "import sys; from verifier.edges.cli.root import run; run(['--help']); "
        "heavy = ('rich', 'dns', 'redis', 'msgspec', 'structlog', 'asyncio'); "
        "print([m for m in sys.modules if m.split('.')[0] in heavy or m.endswith('_command')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "config" in done.stdout


def test_a_reader_that_leaves_is_no_fault() -> None:
    """`verifier config | head -1` says nothing on stderr, even when nobody reads at all."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PYTHON, "config"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_reader_of_a_table_may_leave_too(tmp_path: Path) -> None:
    """The same where rich writes, whose way out is 1: that would be a decision of the gate."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "VERIFIER_DATA_DIR": str(tmp_path)}
    command = [*PYTHON, "check", "--stages", "syntax", "accepted@verifier.test"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writing)
    assert ("", 0) == (done.stderr, done.returncode)


@pytest.mark.parametrize(
    ("encoding", "arguments", "code", "shown"),
    [
        ("latin-1", ["--help"], 0, b"verifier"),
        ("ascii", ["gate", "accepted@verifier.test"], 0, b"allow"),
        ("latin-1", ["doctor", "--help"], 0, b"doctor"),
        ("utf-8", ["check", "--stages", "syntax", b"jos\xe9@x.example"], 0, "josé@x.example".encode()),
        ("utf-8", ["gate", "--json", b"jos\xe9@x.example"], 2, "josé@x.example".encode()),
        ("utf-8", ["check", "--json", "--stages", "syntax"], 0, "josé@x.example".encode()),
    ],
)
def test_what_cannot_be_written_is_no_fault(
    tmp_path: Path, encoding: str, arguments: list[str | bytes], code: int, shown: bytes
) -> None:
    """A terminal, cron or pipe of another encoding gets `?` in place of a letter, and the exit code as ever; an address
    in ISO-8859-1, typed or on stdin, is read as the one that it is.
    """
    environment = {
        **os.environ,
        "VERIFIER_DATA_DIR": str(tmp_path),
        "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:1",
        "PYTHONIOENCODING": f"{encoding}:strict",
    }
    done = subprocess.run([*PYTHON, *arguments], capture_output=True, env=environment, input=b"jos\xe9@x.example\n")
    assert (done.returncode, shown in done.stdout) == (code, True), done.stderr
    assert b"Sorry" not in done.stderr


def test_a_full_disk_is_no_fault_of_the_program() -> None:
    """`verifier config > file` where the disk is full: one sentence that says what to do, and 69."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PYTHON, "config"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ("Error: The disk is full: make room, and run the command again.\n", 69) == (done.stderr, done.returncode)


def test_files_of_another_user_are_no_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root has left one in the service's folder: which one it is, and 69."""

    def refused(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/lib/verifier/lists/allow.txt")

    monkeypatch.setattr("verifier.edges.cli.data_command.find_settings_file", refused)
    assert cli.run(["data"]) == 69
    assert capsys.readouterr().err == (
        "Error: /var/lib/verifier/lists/allow.txt is not this user's to use: run the command as whoever owns it.\n"
    )


def test_what_the_operator_can_mend_is_logged_in_a_sentence() -> None:
    """Behind an answer too, a store that is away is no fault of the program, and frightens nobody with a traceback."""
    with capture_logs() as logged:
        for fault in (ServiceUnavailable("events.sqlite cannot be read."), KeyError("x")):
            report_fault(fault)
    assert [
        ("a part that is needed does not work", "events.sqlite cannot be read."),
        ("a fault of this program", None),
    ] == [(line["event"], line.get("fault")) for line in logged]


def test_sigterm_ends_with_143(tmp_path: Path) -> None:
    """As the shell counts: 128 + 15, and context managers are left properly."""
    script = tmp_path / "script.py"
    script.write_text(
        "import click, sys, time\n"
        "from verifier.edges.cli import root as cli\n"
        "@click.command('config')\n"
        "def command():\n"
        "    try:\n"
        "        print('started', flush=True); time.sleep(30)\n"
        "    finally:\n"
        "        print('closed', flush=True)\n"
        "cli.LazyCommands.get_command = lambda *_: command\n"
        "sys.exit(cli.run(['config']))\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert (process.stdout.read(), process.wait()) == ("closed\n", 143)
        assert time.monotonic() - begun < 10


def test_config_shows_every_setting_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three columns a line when piped; the file of the current folder counts; warnings go to stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "verifier.toml").write_text('[smtp]\nhelo = "mail.sender.org"\n')
    monkeypatch.setenv("VERIFIER_SMTP_PORT", "2525")
    monkeypatch.setenv("VERIFIER_NONSENSE", "1")
    monkeypatch.setenv("VERIFIER_SECRET_KEY", "hunter2hunter2hunter2")
    assert cli.run(["config"]) == 0
    said = capsys.readouterr()
    rows = {name: (value, origin) for name, value, origin in (line.split("\t") for line in said.out.splitlines())}
    assert rows["VERIFIER_SMTP_HELO"] == ("mail.sender.org", "file")
    assert rows["VERIFIER_SMTP_PORT"] == ("2525", "environment")
    assert rows["VERIFIER_SECRET_KEY"] == ("•••", "environment")
    assert rows["VERIFIER_REDIS_PREFIX"] == ("verifier:", "default")
    assert "VERIFIER_NONSENSE is not a setting" in said.err
    assert "\x1b" not in said.out + said.err


def _commands(group: click.Group, path: str = "verifier") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")


def test_every_command_and_option_says_what_it_does() -> None:
    """`--help` has a sentence for each: nobody has to guess or to look into the code."""
    assert isinstance(cli.root, click.Group)
    commands = dict(_commands(cli.root))
    assert len(commands) > 20
    assert [path for path, command in commands.items() if not command.help] == []
    options = [(p, o) for p, c in commands.items() for o in c.params if isinstance(o, click.Option)]
    assert [(path, option.name) for path, option in options if not option.help] == []
