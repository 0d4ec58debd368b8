"""`verifier suppress` and `verifier gate`: what people type, and what files say."""

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from verifier.core.faults import InputError, OperatorError
from verifier.edges.cli.gate_command import gate_command
from verifier.edges.cli.suppress_command import suppress_command

JANE, DIGEST = "jane@shop.example", sha256(b"jane@shop.example").hexdigest()


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERIFIER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VERIFIER_DNS_NAMESERVERS", "127.0.0.1:1")
    monkeypatch.setenv("VERIFIER_SMTP_ENABLED", "false")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(suppress_command, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def exported(*options: str) -> list[str]:
    return run("export", *options).stdout.splitlines()


def decided(*arguments: str) -> Result:
    result = CliRunner().invoke(gate_command, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_an_export_that_has_nowhere_to_go_is_bad_usage(tmp_path: Path) -> None:
    """A folder, or a file in a folder that is not there, is the operator's slip and no fault of the program."""
    for place in (tmp_path, tmp_path / "nowhere" / "out.csv"):
        done = run("export", "-o", str(place))
        assert (2, True) == (done.exit_code, str(place) in done.stderr)


def test_added_listed_removed() -> None:
    """What was added is shown with its scope, and ends when it is removed; removing nothing is said."""
    assert "2 added." in run("add", JANE, "@bad.example", "--sender", "shop", "--topic", "news").stderr
    assert "0 added." in run("add", JANE, "--kind", "complaint", "--expires", "90d").stderr.replace(
        "1 added", "0 added"
    )
    shown = run("list").stdout
    assert JANE in shown and "@bad.example" in shown and "news" in shown
    assert [line.split(",")[:3] for line in exported("--kind", "complaint")[1:]] == [[JANE, "complaint", ""]]
    assert "complaint" in run("list", JANE.upper(), "--kind", "complaint").stdout
    assert "1 removed." in run("remove", JANE, "--kind", "complaint").stderr
    assert "1 removed." in run("remove", JANE).stderr
    with pytest.raises(InputError, match="Nothing stands under that"):
        run("remove", JANE)


def test_a_text_that_is_none() -> None:
    """One sentence says what can be given."""
    with pytest.raises(InputError, match=r"written @shop\.example"):
        run("add", "shop.example")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("email,name\njane@shop.example,Jane\n", [JANE]),
        ("Jane@Shop.Example\njohn@shop.example\n", [JANE, "john@shop.example"]),
        ("nom;courriel\nJane;jane@shop.example\n", [JANE]),
        ("@shop.example\n@other.example\n", ["@shop.example", "@other.example"]),
        ("domain\n@shop.example\n", ["@shop.example"]),
        ("id;domain\n1;@shop.example\n2;@other.example\n", ["@shop.example", "@other.example"]),
        ("\ufeffemail\r\njane@shop.example\r\n", [JANE]),
        ("email,kind,at\njane@shop.example,Unsubscribed,22/11/2026\n", [JANE]),
    ],
)
def test_lists_are_imported(data_dir: Path, content: str, expected: list[str]) -> None:
    """With or without a heading, however separated; twice is once."""
    (data_dir / "list.csv").write_text(content)
    assert f"{len(expected)} added" in run("import", "list.csv", "--kind", "unsubscribed").stderr
    assert exported("--addresses") == expected
    assert f"{len(expected)} rows, 0 added" in run("import", "list.csv", "--kind", "unsubscribed").stderr
    assert len(exported()) == len(expected) + 1


def test_rows_that_are_no_addresses_are_left_out(data_dir: Path) -> None:
    """They are named by number, the first few; the others are taken."""
    (data_dir / "list.csv").write_text("email\n" + "nobody\n" * 7 + "jane@shop.example\n\n")
    said = run("import", "list.csv", "--column", "email").stderr
    assert "row 1: " in said and "and 2 more" in said and "8 rows, 1 added, 7 left out." in said


@pytest.mark.parametrize(
    "content", [f"{DIGEST}\n", f"sha256\n{DIGEST}\n", f"id;hash\n1;{DIGEST.upper()}\n", f'\ufeff7,"{DIGEST}"\r\n']
)
def test_digests_are_found_in_whatever_column(data_dir: Path, content: str) -> None:
    """With a heading or without, which is neither a row nor a fault; from standard input too."""
    (data_dir / "list.csv").write_text(content)
    assert "1 rows, 1 added, 0 left out." in run("import", "list.csv").stderr
    assert decided(JANE).return_value == 1
    run("remove", DIGEST)
    assert "1 rows, 1 added, 0 left out." in run("import", "-", stdin=content).stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("address,kind\njane@shop.example,bogus\n", "row 1: 'bogus' is no kind; there are hard_bounce, "),
        ("address,kind,at\njane@shop.example,complaint,soon\n", "row 1: 'soon' is no time; one is written 2026-11-22"),
        ("d41d8cd98f00b204e9800998ecf8427e\n", "row 1: That is an MD5 or SHA-1, which cannot be looked up"),
    ],
)
def test_a_row_that_says_what_cannot_be_is_left_out_with_a_sentence(
    data_dir: Path, content: str, sentence: str
) -> None:
    """It says what to do; and where nothing else is in the file, whoever runs it by night hears that it was in vain."""
    (data_dir / "list.csv").write_text(content)
    result = CliRunner().invoke(suppress_command, ["import", "list.csv"])
    assert sentence in result.stderr and "0 added, 1 left out." in result.stderr
    assert isinstance(result.exception, InputError)
    (data_dir / "list.csv").write_text(content + "joe@shop.example\n")
    assert "1 added, 1 left out." in run("import", "list.csv").stderr


def test_an_export_comes_back_as_it_was(data_dir: Path) -> None:
    """Kind, scope, source, time and end of every entry."""
    run("add", JANE, "--kind", "unsubscribed", "--sender", "shop", "--class", "marketing", "--topic", "news")
    run("add", "@bad.example", "--expires", "90d", "--source", "crm")
    run("export", "-o", "all.csv")
    before = exported()
    run("remove", JANE, "@bad.example")
    assert len(exported()) == 1
    run("import", "all.csv")
    assert exported() == before and len(before) == 3


def test_digests_are_imported_and_exported(data_dir: Path) -> None:
    """A list that names nobody suppresses its people all the same."""
    run("add", JANE)
    assert exported("--hashed", "--addresses") == [DIGEST]
    run("export", "-o", "hashed.csv", "--hashed", "--addresses")
    run("remove", JANE)
    assert decided(JANE).return_value == 2
    run("import", "hashed.csv", "--kind", "complaint")
    assert decided("Jane@Shop.example").return_value == 1
    assert exported() == ["address,kind,sender,message_class,topic,source,at,expires"]
    assert "only a hash is known" in run("export").stderr


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (["accepted@verifier.test"], 0),
        (["mailbox_not_found@verifier.test"], 1),
        (["greylisted@verifier.test"], 2),
        (["accepted@verifier.test", "greylisted@verifier.test"], 2),
        (["greylisted@verifier.test", "no address", "accepted@verifier.test"], 1),
    ],
)
def test_a_decision_is_an_exit_code(addresses: list[str], code: int) -> None:
    """0 allow, 1 block, 2 hold; of several the worst."""
    result = decided(*addresses)
    assert result.return_value == code
    assert all(address in result.stdout for address in addresses)


def test_class_policy_and_json() -> None:
    """As in HTTP; a policy that there is not is bad usage."""
    record = decided("greylisted@verifier.test", "--class", "transactional", "--policy", "strict", "--json")
    assert record.return_value == 0
    assert '"policy":"strict","message_class":"transactional"' in record.stdout
    with pytest.raises(OperatorError, match=r"There is no policy mine: known are strict, balanced, lenient\."):
        decided("accepted@verifier.test", "--policy", "mine")


def test_a_policy_of_ones_own(data_dir: Path) -> None:
    """A file in the data folder, as any editor saves it; one that is not whole, or is called by what a mail server
    calls a class of mail, stops the command with its sentence.
    """
    folder = data_dir / "data" / "gate-policies"
    folder.mkdir(parents=True)
    (folder / "shy.toml").write_text('\ufeffbased_on = "balanced"\n[marketing]\ncatch_all = "block"\n')
    assert decided("catch_all@verifier.test", "--policy", "shy").return_value == 1
    whole = 'based_on = "balanced"'
    for name, content in (
        ("shy", "[marketing]\n"),
        ("shy", "=\n"),
        ("strict", whole),
        ("marketing", whole),
        ("fail-closed", whole),
        ("A b", ""),
    ):
        (folder / f"{name}.toml").write_text(content)
        with pytest.raises(OperatorError, match=name):
            decided("accepted@verifier.test")
        (folder / f"{name}.toml").unlink()


def test_the_report_counts_what_was_decided() -> None:
    """By rule, of the last days."""
    assert "Nothing was decided." in decided("report").stderr
    decided("mailbox_not_found@verifier.test", "accepted@verifier.test")
    report = decided("report", "--since", "7d")
    assert "undeliverable" in report.stdout and "blocked" in report.stdout
    assert "1 blocked" in report.stderr and "1 allowed" in report.stderr
    assert '"rule":"undeliverable"' in decided("report", "--json").stdout
