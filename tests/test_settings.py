"""Settings: each variable is read strictly, and what is wrong with one is said with its name."""

import base64
import stat
import sys
from pathlib import Path

import pytest

from regulars.settings import DOCUMENTED, SETTINGS, Settings, SettingsError, load_secret_key, variable_of


def test_nothing_set_gives_something_that_runs() -> None:
    settings = Settings.from_environment({"HOME": "/home/alice"})
    assert settings.port == 8080
    assert settings.warnings == ()
    assert settings.base_url == "http://127.0.0.1:8080"


def test_the_home_lies_beside_the_virtual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/srv/regulars/.venv")
    assert Settings.from_environment({}).home == Path("/srv/regulars/.regulars")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert Settings.from_environment({"HOME": "/home/a"}).home == Path("/home/a/.local/share/regulars")


def test_each_field_is_documented_and_has_its_default_there() -> None:
    fields = set(Settings.__struct_fields__) - {"warnings"}
    assert fields == set(SETTINGS)
    assert {variable_of(field) for field in fields} == set(DOCUMENTED)
    plain = Settings(home=Path("/x"))
    for field in fields - {"home", "database_url", "public_url", "secret_key", "trusted_proxies"}:
        assert SETTINGS[field].default == str(getattr(plain, field))
        assert SETTINGS[field].read(SETTINGS[field].default) == getattr(plain, field)


def test_what_is_set_is_taken() -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings.from_environment(
        {
            "REGULARS_HOME": "/data",
            "REGULARS_DATABASE_URL": "postgresql://u:p@db:5432/regulars",
            "REGULARS_PUBLIC_URL": "https://points.example/",
            "REGULARS_PORT": " 9000 ",
            "REGULARS_DEADLINE_SECONDS": "0.5",
            "REGULARS_LOG_FORMAT": "JSON",
            "REGULARS_SECRET_KEY": key,
            "REGULARS_WORKERS": "",
        }
    )
    assert settings.home == Path("/data")
    assert settings.database_url == "postgresql://u:p@db:5432/regulars"
    assert settings.base_url == "https://points.example"
    assert settings.port == 9000
    assert settings.deadline_seconds == 0.5
    assert settings.log_format == "json"
    assert load_secret_key(settings) == bytes(range(32))
    assert settings.workers == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REGULARS_PORT", "http"),
        ("REGULARS_PORT", "65536"),
        ("REGULARS_PORT", "-1"),
        ("REGULARS_PORT", "٨"),
        ("REGULARS_WORKERS", "0"),
        ("REGULARS_DEADLINE_SECONDS", "nan"),
        ("REGULARS_DEADLINE_SECONDS", "0"),
        ("REGULARS_LOG_LEVEL", "loud"),
        ("REGULARS_HOST", "a b"),
        ("REGULARS_PUBLIC_URL", "points.example"),
        ("REGULARS_PUBLIC_URL", "https://points.example/sub"),
        ("REGULARS_DATABASE_STATEMENT_CACHE", "1.5"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_itself_and_what_is_wanted(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})
    assert str(caught.value) == f"{variable} is {value!r}, but it must be {caught.value.wants}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("REGULARS_SECRET_KEY", "hunter2hunter2"), ("REGULARS_DATABASE_URL", "mysql://root:hunter2@db")],
)
def test_a_bad_secret_is_refused_without_showing_it(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})
    assert variable in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_variable_is_a_warning() -> None:
    settings = Settings.from_environment(
        {"REGULARS_PROT": "80", "REGULARS_TEST_DATABASE_URL": "x", "PORT": "1"}
    )
    assert settings.warnings == ("REGULARS_PROT is not a setting of Regulars",)


def test_secrets_dont_show_in_a_log(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://u:hunter2@db/x", secret_key=b"k" * 32)
    assert "hunter2" not in repr(settings) + str(settings)
    assert "kkkk" not in repr(settings)


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    key = load_secret_key(settings)
    assert len(key) == 32
    assert load_secret_key(settings) == key
    path = settings.home / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in settings.home.iterdir()] == ["secret.key"]


def test_a_damaged_key_file_is_refused_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("oops\n")
    with pytest.raises(SettingsError, match=r"secret\.key"):
        load_secret_key(Settings(home=tmp_path))
    assert (tmp_path / "secret.key").read_text() == "oops\n"


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("127.0.0.1", ("127.0.0.1/32",)),
        ("127.0.0.1, 10.0.0.0/8,fd00::/8", ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")),
        ("none", ()),
    ],
)
def test_trusted_proxies_are_networks(text: str, networks: tuple[str, ...]) -> None:
    assert Settings.from_environment({"REGULARS_TRUSTED_PROXIES": text}).trusted_proxies == networks


@pytest.mark.parametrize("text", ["*", "proxy.example", "127.0.0.1;10.0.0.1", "10.0.0.1/8", "999.1.1.1", ","])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="REGULARS_TRUSTED_PROXIES"):
        Settings.from_environment({"REGULARS_TRUSTED_PROXIES": text})


@pytest.mark.parametrize(
    ("host", "public_url", "is_open"),
    [
        ("127.0.0.1", None, False),
        ("::1", None, False),
        ("localhost", "http://points.example", False),
        ("0.0.0.0", None, True),
        ("192.168.1.5", "http://points.example", True),
        ("0.0.0.0", "https://points.example", False),
    ],
)
def test_a_server_that_others_reach_in_clear_is_known(
    host: str, public_url: str | None, is_open: bool
) -> None:
    assert Settings(home=Path("/x"), host=host, public_url=public_url).is_open_in_clear is is_open
