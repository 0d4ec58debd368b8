"""Settings: what is read, from where, and what is said when it is wrong."""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.config import (
    SETTINGS,
    Origin,
    Settings,
    find_settings_file,
    load_settings,
    require_shared_secret,
    shown_value,
)
from verifier.core.faults import ConfigError
from verifier.core.setting_values import (
    Nameserver,
    duration,
    duration_text,
    listener,
    masked_url,
    nameserver,
    size,
    size_text,
    truth,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "verifier.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_contract() -> None:
    """With nothing set, every value is the contract's default and says so."""
    settings = load_settings({}, None)
    assert {setting.name: Origin.DEFAULT for setting in SETTINGS} == settings.origins
    assert (
        settings.smtp_enabled,
        settings.smtp_port,
        settings.smtp_sessions_per_group,
        settings.smtp_probe_outlook_consumer,
    ) == (True, 25, 2, False)
    delays = (timedelta(seconds=310), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
    assert delays == settings.smtp_greylist_delays
    assert (settings.redis_prefix, settings.http_host, settings.http_port) == ("verifier:", "127.0.0.1", 8080)
    assert (timedelta(days=30), 10**9) == (settings.lists_retention, settings.lists_max_upload)
    assert settings.warnings == ()


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    """The table and the class cannot drift apart."""
    beside = {"origins", "file", "warnings"}
    assert set(Settings.__struct_fields__) - beside == {setting.name for setting in SETTINGS}


def test_environment_overrules_file_and_the_command_both(tmp_path: Path) -> None:
    """command line > environment > file > default, and each value knows where it came from."""
    path = written(
        tmp_path,
        'data_dir = "/f"\n[smtp]\nport = 2525\nhelo = "file.example"\nenabled = false\n[redis]\nprefix = "f:"\n',
    )
    environ = {"VERIFIER_SMTP_PORT": "2626", "VERIFIER_SMTP_HELO": "env.example"}
    settings = load_settings(environ, path, {"smtp_helo": "command.example"})
    assert (
        settings.smtp_port,
        settings.smtp_helo,
        settings.smtp_enabled,
        settings.redis_prefix,
    ) == (2626, "command.example", False, "f:")
    wanted = {
        "data_dir": Origin.FILE,
        "smtp_port": Origin.ENVIRONMENT,
        "smtp_helo": Origin.COMMAND,
        "smtp_enabled": Origin.FILE,
        "redis_url": Origin.DEFAULT,
    }
    assert wanted == {name: settings.origins[name] for name in wanted}
    assert path == settings.file


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    """`VERIFIER_SMTP_PORT=` in a compose file must not break the start."""
    settings = load_settings({"VERIFIER_SMTP_PORT": " "}, written(tmp_path, "[smtp]\nport = 26\n"))
    assert (settings.smtp_port, settings.origins["smtp_port"]) == (26, Origin.FILE)


def test_values_are_typed(tmp_path: Path) -> None:
    """Lists, networks, name servers, delays and sizes arrive as values, from text and from TOML lists alike."""
    path = written(
        tmp_path,
        '[smtp]\ngreylist_delays = ["1s", "2m"]\nallow_networks = ["127.0.0.0/8", "fd00::/8"]\n'
        '[lists]\nmax_upload = "2GiB"\n',
    )
    environ = {
        "VERIFIER_DNS_NAMESERVERS": "127.0.0.1:5353, [2001:db8::1]:54,2001:db8::2,ns.example",
        "VERIFIER_SMTP_SOURCE_ADDRESSES": "192.0.2.1,2001:db8::5",
        "VERIFIER_DNS_CANARIES": "Gmail.com., yahoo.com",
    }
    settings = load_settings(environ, path)
    servers = (
        Nameserver("127.0.0.1", 5353),
        Nameserver("2001:db8::1", 54),
        Nameserver("2001:db8::2", 53),
        Nameserver("ns.example", 53),
    )
    assert servers == settings.dns_nameservers
    assert (timedelta(seconds=1), timedelta(minutes=2)) == settings.smtp_greylist_delays
    assert (ip_network("127.0.0.0/8"), ip_network("fd00::/8")) == settings.smtp_allow_networks
    assert (ip_address("192.0.2.1"), ip_address("2001:db8::5")) == settings.smtp_source_addresses
    assert settings.lists_max_upload == 2 * 1024**3
    assert settings.dns_canaries == ("gmail.com", "yahoo.com")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_PORT", "0"),
        ("SMTP_PORT", "65536"),
        ("SMTP_PORT", "²5"),
        ("SMTP_ENABLED", "maybe"),
        ("SMTP_GREYLIST_DELAYS", "1h,5m"),
        ("SMTP_GREYLIST_DELAYS", "5"),
        ("SMTP_ALLOW_NETWORKS", "10.0.0.0/33"),
        ("SMTP_SOURCE_ADDRESSES", "here"),
        ("SMTP_PROXY", "ftp://host:1"),
        ("SMTP_PROXY", "socks5://"),
        ("SMTP_HELO", "two words"),
        ("SMTP_MAIL_FROM", "nobody"),
        ("SMTP_MAIL_FROM", "<>"),
        ("DNS_NAMESERVERS", "1.1.1.1:x"),
        ("DNS_CANARIES", "nodots"),
        ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "mysql://x/y"),
        ("LISTS_RETENTION", "soon"),
        ("LISTS_MAX_UPLOAD", "big"),
        ("POLICY_LISTEN", "10000"),
        ("RELAY_LISTEN", "unix:relative"),
        ("SECRET_KEY", "a\0b"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_it(name: str, value: str) -> None:
    """The sentence names the variable and says what would be right; it is one line, with exit code 64."""
    with pytest.raises(ConfigError) as caught:
        load_settings({f"VERIFIER_{name}": value}, None)
    sentence = str(caught.value)
    assert sentence.startswith(f"VERIFIER_{name} must ")
    assert (len(sentence.splitlines()), sentence[-1], caught.value.exit_code) == (1, ".", 64)


def test_a_wrong_password_is_not_repeated() -> None:
    """A refused URL is shown without its password."""
    with pytest.raises(ConfigError) as caught:
        load_settings({"VERIFIER_REDIS_URL": "http://user:hunter2@host"}, None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[smtp]\nhello = 'x'", "smtp.hello is not a setting; did you mean smtp.helo?"),
        ("helo = 'x'", "helo is not a setting"),
        ("[smtp.helo]\nx = 1", "smtp.helo.x is not a setting"),
        ("[smtp", "is not valid TOML"),
        ("[smtp]\nport = 2.5", "must be text, a number, true or false, or a list of texts"),
        ("[smtp]\nport = 'x'", "smtp.port in "),
    ],
)
def test_a_wrong_file_is_refused_with_the_nearest_name(tmp_path: Path, text: str, said: str) -> None:
    """A misspelt key must not silently do nothing."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings({}, path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Neither a binary nor a missing file ends in a traceback."""
    path = tmp_path / "verifier.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_settings({}, path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings({}, tmp_path / "absent.toml")


def test_an_unknown_variable_is_warned_of_with_the_nearest_name() -> None:
    """It may be somebody else's, so it is no error; but a misspelling must be seen."""
    settings = load_settings({"VERIFIER_SMTP_HELLO": "x", "PATH": "/bin"}, None)
    wanted = ("VERIFIER_SMTP_HELLO is not a setting and has no effect; did you mean VERIFIER_SMTP_HELO?",)
    assert wanted == settings.warnings


def test_a_short_secret_is_warned_of() -> None:
    """A short key still works, or a running set-up would break; it is said."""
    assert len(load_settings({"VERIFIER_SECRET_KEY": "short"}, None).warnings) == 1


def test_the_file_is_found_here_first_then_in_the_configuration_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current folder wins over the platform's configuration folder."""
    here, config = tmp_path / "here", tmp_path / "config"
    here.mkdir()
    (config / "verifier").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    assert None is find_settings_file(here)
    in_config = written(config / "verifier", "")
    assert in_config == find_settings_file(here)
    in_here = written(here, "")
    assert in_here == find_settings_file(here)


@pytest.mark.parametrize("text", ["https://user:pw@a.example", "https://a.example?x=1", "https://a.example/#top"])
def test_a_public_url_can_have_paths_behind_it(text: str) -> None:
    """Links are made from it, and shown: what stands behind a question mark would swallow them."""
    with pytest.raises(
        ConfigError, match="VERIFIER_HTTP_PUBLIC_URL must be a URL that others can be made from"
    ) as told:
        load_settings({"VERIFIER_HTTP_PUBLIC_URL": text}, None)
    assert "pw" not in str(told.value)


def test_a_public_url_with_a_path_is_warned_of() -> None:
    """Pages link to the root: under a prefix nobody could log in, and nobody would know why."""
    for text, warned in (("https://a.example/verifier", True), ("https://a.example/", False), ("", False)):
        warnings = load_settings({"VERIFIER_HTTP_PUBLIC_URL": text}, None).warnings
        assert any("VERIFIER_HTTP_PUBLIC_URL has a path" in each for each in warnings) is warned


def test_a_folder_that_cannot_be_looked_into_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo -u verifier verifier …` begins in root's folder, and may keep root's HOME: that is no fault of ours."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 300)
    assert find_settings_file(Path("/" + "y" * 300)) is None


def test_a_shared_store_needs_a_shared_secret() -> None:
    """Two machines that hash with keys of their own would never meet in one Redis."""
    shared = {"VERIFIER_REDIS_URL": "redis://cache.example/0"}
    with pytest.raises(ConfigError, match="VERIFIER_SECRET_KEY must be set where VERIFIER_REDIS_URL is"):
        require_shared_secret(load_settings(shared, None))
    require_shared_secret(load_settings(shared | {"VERIFIER_SECRET_KEY": "0123456789abcdef"}, None))
    require_shared_secret(load_settings({"VERIFIER_DATABASE_URL": "sqlite:///tmp/x.db"}, None))


def test_secrets_are_masked() -> None:
    """`verifier config` may be pasted into a bug report."""
    environ = {
        "VERIFIER_SECRET_KEY": "hunter2hunter2hunter2",
        "VERIFIER_REDIS_URL": "redis://:hunter2@cache.example:6379/0",
        "VERIFIER_DATABASE_URL": "postgresql://me:hunter2@db.example/v?password=hunter2",
        "VERIFIER_SMTP_PROXY": "socks5://me:hunter2@proxy.example:1080",
    }
    settings = load_settings(environ, None)
    shown = {setting.name: shown_value(settings, setting.name) for setting in SETTINGS}
    assert not [name for name, text in shown.items() if "hunter2" in text]
    assert shown["redis_url"] == "redis://:•••@cache.example:6379/0"


def test_a_shown_value_reads_back_as_itself(tmp_path: Path) -> None:
    """What `verifier config` prints can be set as it is printed."""
    environ = {
        "VERIFIER_SMTP_HELO": "mail.example.org",
        "VERIFIER_DNS_NAMESERVERS": "[2001:db8::1]:54,192.0.2.1",
        "VERIFIER_SMTP_GREYLIST_DELAYS": "90s,15m",
        "VERIFIER_LISTS_MAX_UPLOAD": "1500MB",
        "VERIFIER_SMTP_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    settings = load_settings(environ, None)
    again = {setting.variable: shown_value(settings, setting.name) for setting in SETTINGS}
    reread = load_settings({name: text for name, text in again.items() if not text.startswith("(")}, None)
    for setting in SETTINGS:
        if setting.name != "smtp_mail_from":
            assert getattr(settings, setting.name) == getattr(reread, setting.name)
    assert reread.smtp_mail_from == "probe@mail.example.org"


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_and_sizes_survive_their_text(number: int) -> None:
    """Writing and reading are inverse, for milliseconds and for bytes."""
    stretch = timedelta(milliseconds=number)
    assert stretch == duration(duration_text(stretch))
    assert number + 1 == size(size_text(number + 1))


@given(st.text(max_size=30))
@example("~0")
def test_no_text_breaks_a_reader(text: str) -> None:
    """Whatever is written, a reader gives a value or a ValueError, never anything else."""
    for setting in SETTINGS:
        try:
            setting.read(text)
        except ValueError as error:
            assert str(error).startswith("must be")


@given(st.sampled_from(["true", "YES", "On", "1"]), st.sampled_from(["False", "no", "OFF", "0"]))
def test_truths(yes: str, no: str) -> None:
    """The usual spellings, in any case."""
    assert (truth(yes), truth(no)) == (True, False)


def test_listeners_and_name_servers() -> None:
    """TCP and UNIX listeners; IPv6 name servers with and without a port."""
    for text in ("127.0.0.1:10040", "[::1]:10040", "unix:/run/v.sock", "host.example:25", ""):
        assert text == listener(text)
    for text in ("192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:5353", "2001:db8::1"):
        assert text == str(nameserver(text))
    assert masked_url("redis://:p@h") == "redis://:•••@h"
