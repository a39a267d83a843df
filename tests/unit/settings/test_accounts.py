"""Accounts and their secrets."""

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blaze.core.errors import ConfigurationError
from blaze.core.settings import cache_folder, config_path, state_folder
from blaze.core.settings.accounts import Account, complete_address, find_account
from blaze.core.settings.overview import MASK, iter_settings
from blaze.core.settings.secrets import SecretSources, read_netrc, read_secret

CONFIG: dict[str, Any] = {
    "account": {
        "work": {
            "host": "smtp.work.test",
            "port": 465,
            "tls": "implicit",
            "user": "ann",
            "from": "ann@work.test",
        },
        "home": {"host": "smtp.home.test", "aliases": {"root": ["admin", "ops@x.test"], "admin": "root"}},
    }
}


def test_find_account_reads_the_table() -> None:
    account = find_account(CONFIG, "work")
    assert account == Account(
        "work", host="smtp.work.test", port=465, tls="implicit", user="ann", sender="ann@work.test"
    )


def test_find_account_without_a_name() -> None:
    assert find_account({}, None) is None
    assert find_account(CONFIG, None) is None
    chosen = find_account({**CONFIG, "default-account": "home"}, None)
    assert chosen
    assert chosen.name == "home"
    only = find_account({"account": {"work": CONFIG["account"]["work"]}}, None)
    assert only
    assert only.name == "work"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (CONFIG, "nobody"),
        ({}, "nobody"),
        ({"account": "work"}, "work"),
        ({"account": [{"host": "x"}]}, None),
        ({"account": {}, "default-account": ["work"]}, None),
        ({"account": {"work": {"auth": "NTLM"}}}, "work"),
        ({"account": ["work"]}, "work"),
        ({"account": {"work": {}}, "default-account": ["work"]}, None),
        ({"account": {"work": 1}}, "work"),
        ({"account": {"work": {"hots": "x"}}}, "work"),
        ({"account": {"work": {"host": 1}}}, "work"),
        ({"account": {"work": {"host": "smtps://smtp.work.test"}}}, "work"),
        ({"account": {"work": {"port": 0}}}, "work"),
        ({"account": {"work": {"port": True}}}, "work"),
        ({"account": {"work": {"tls": "ssl"}}}, "work"),
        ({"account": {"work": {"aliases": []}}}, "work"),
        ({"account": {"work": {"aliases": {"root": 1}}}}, "work"),
        ({"account": {"work": {"aliases": {"root": "a@"}}}}, "work"),
        ({"account": {"work": {"aliases": {"root": []}}}}, "work"),
        ({"account": {"work": {"aliases": {"root": ["", "nobody:;"]}}}}, "work"),
    ],
)
def test_find_account_refuses(config: dict[str, Any], name: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_account(config, name, "/etc/c.toml")
    assert (caught.value.where or "").endswith("/etc/c.toml")
    with pytest.raises(ConfigurationError, match=r"^[^/]*$"):
        find_account(config, name)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("a@b.test", ["a@b.test"]),
        ("someone", ["someone@host.test"]),
        ("root", ["root@host.test", "ops@x.test"]),
        ("ROOT", ["root@host.test", "ops@x.test"]),
    ],
)
def test_complete_address_follows_aliases(name: str, addresses: list[str]) -> None:
    assert complete_address(name, find_account(CONFIG, "home"), "host.test") == addresses


def test_an_alias_may_list_addresses_as_a_header_does() -> None:
    aliases = {"root": ["Ann <ann@x.test>", "admin, ops@x.test"]}
    account = find_account({"account": {"work": {"aliases": aliases}}}, "work")
    assert complete_address("root", account, "d.test") == ["ann@x.test", "admin@d.test", "ops@x.test"]


def test_read_secret_takes_the_first_source(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\nsecond line\n")
    file.chmod(0o600)
    assert read_secret(SecretSources("given", str(file)), "h", "u", {}) == "given"
    assert read_secret(SecretSources(None, str(file), "echo no"), "h", "u", {}) == "from file"
    assert (
        read_secret(SecretSources(None, None, "echo 'from command'; echo x"), "h", "u", {}) == "from command"
    )
    assert read_secret(SecretSources(token_command="echo token"), "h", "u", {}) == "token"
    assert read_secret(SecretSources(), "h", "u", {"HOME": str(tmp_path)}) is None


@pytest.mark.parametrize("command", ["false", "true", "exit 3"])
def test_read_secret_needs_a_command_that_says_something(command: str) -> None:
    with pytest.raises(ConfigurationError):
        read_secret(SecretSources(password_command=command), "h", "u", {})


def test_files_that_others_can_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("x\n")
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="read by others"):
        read_secret(SecretSources(password_file=str(file)), "h", "u", {})
    with pytest.raises(ConfigurationError):
        read_secret(SecretSources(password_file=str(tmp_path / "none")), "h", "u", {})


def test_netrc_is_read_for_host_and_user(tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine smtp.test login ann password geheim\n")
    netrc.chmod(0o600)
    environ = {"HOME": str(tmp_path)}
    assert read_secret(SecretSources(), "smtp.test", "ann", environ) == "geheim"
    assert read_secret(SecretSources(), "smtp.test", "bob", environ) is None
    assert read_secret(SecretSources(), "other.test", "ann", environ) is None
    assert read_netrc({"NETRC": str(netrc)}, "smtp.test") == ("ann", "geheim")
    netrc.chmod(0o644)
    with pytest.raises(ConfigurationError):
        read_netrc(environ, "smtp.test")
    netrc.chmod(0o600)
    netrc.write_text("machine smtp.test lgin ann\n")
    with pytest.raises(ConfigurationError):
        read_netrc(environ, "smtp.test")


def test_sources_show_no_password() -> None:
    assert "geheim" not in repr(SecretSources("geheim"))


def test_settings_are_masked_and_their_source_told() -> None:
    config = {"send": {"hostname": "a.test"}, "account": {"x": {"password-command": "pass", "host": "h"}}}
    environ = {
        "BLAZE_SEND_HOSTNAME": "b.test",
        "BLAZE_SUBMIT_PASSWORD": "geheim",
        "SMTP_URL": "smtps://ann:geheim@h.test",
        "PATH": "/bin",
    }
    found = {setting.key: setting for setting in iter_settings(config, "/c.toml", environ)}
    assert "PATH" not in found
    assert found["BLAZE_SUBMIT_PASSWORD"].value == MASK
    assert found["SMTP_URL"].value == f"smtps://ann:{MASK}@h.test"
    assert found["account.x.password-command"].value == "pass"
    assert found["send.hostname"] == ("send.hostname", "a.test", "/c.toml", "BLAZE_SEND_HOSTNAME")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("pop3s://ann:geh/eim@h.test", f"pop3s://ann:{MASK}@h.test"),
        ("socks5://ann:ge@heim@h.test:1080", f"socks5://ann:{MASK}@h.test:1080"),
        (["pop3://:geheim@h.test"], [f"pop3://:{MASK}@h.test"]),
        ("pop3s://ann@h.test:995", "pop3s://ann@h.test:995"),
        ("https://h.test:8443/ann", "https://h.test:8443/ann"),
        ("ann@h.test", "ann@h.test"),
        (995, 995),
    ],
)
def test_passwords_inside_of_urls_are_masked(value: Any, shown: Any) -> None:
    config = {"account": {"x": {"fetch": value}}, "send": {"proxy": value}}
    assert [setting.value for setting in iter_settings(config, "/c.toml", {})] == [shown, shown]


def test_home_is_where_the_system_says_when_the_environment_does_not() -> None:
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert config_path({}) == f"{home}/.config/blaze/config.toml"
    assert config_path({"HOME": "", "XDG_CONFIG_HOME": "relative"}) == config_path({})
    assert config_path({"HOME": "/h"}) == "/h/.config/blaze/config.toml"
    assert config_path({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == "/x/blaze/config.toml"
    assert state_folder({}) == f"{home}/.local/state/blaze"
    assert cache_folder({}) == f"{home}/.cache/blaze"


def test_no_netrc_is_read_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / ".netrc").write_text("machine smtp.test login ann password geheim\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_dir=f"{tmp_path}/home"))
    assert read_netrc({}, "smtp.test") is None
    (tmp_path / ".netrc").rename(tmp_path / "home" / ".netrc")
    assert read_netrc({}, "smtp.test") == ("ann", "geheim")
