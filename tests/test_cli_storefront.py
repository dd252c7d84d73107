"""`regulars storefront`: what counts on a shop's pages, keys for tokens, and how the widget looks."""

import json

from tests.test_cli import CREATE, Shell, as_before, shell

__all__ = ["as_before", "shell"]


def made(shell: Shell) -> int:
    """The program's number, and the shop's key in it."""
    shell.prints(CREATE)
    found = shell.gives("storefront show 1 --json")
    assert [shop["kind"] for shop in found["shops"]] == ["site", "lootly"]
    number: int = found["shops"][1]["key_id"]
    return number


def test_at_first_everything_counts_as_the_guide_says(shell: Shell) -> None:
    made(shell)
    said = shell.prints("storefront show 1")
    assert "The guide's md5 signatures count." in said
    assert "LoyaltyLion's customer tokens count for 24 hours." in said
    assert "Sessions in 30 days: none." in said
    assert "Widget: shown, #2f5d50, right side" in said


def test_what_counts_can_be_changed(shell: Shell) -> None:
    made(shell)
    said = shell.prints("storefront set 1 --no-md5 --token-to-redeem --sha1-hours 1 --end-all")
    assert "md5 signatures do not count" in said and "signed token of its own" in said
    assert "Nothing from before 20" in said
    for shop in shell.gives("storefront show 1 --json")["shops"]:
        switches = shop["switches"]
        assert (switches["md5"], switches["token_to_redeem"], switches["sha1_seconds"]) == (False, True, 3600)
        assert switches["not_before"].startswith("20")
    again = shell.prints("storefront set 1 --md5")
    assert "md5 signatures count" in again and "signed token" in again  # the rest stays
    assert "Say what to change" in shell.complains("storefront set 1")
    assert "no program 9" in shell.complains("storefront set 9 --md5")


def test_other_settings_of_an_integration_stay(shell: Shell) -> None:
    made(shell)
    shell.prints("integration set 1 --strict-answers")
    shell.prints("storefront set 1 --no-md5")
    assert shell.gives("storefront show 1 --json")["shops"][1]["switches"]["md5"] is False
    shell.prints("integration set 1 --no-strict-answers")
    assert shell.gives("storefront show 1 --json")["shops"][1]["switches"]["md5"] is False


def test_a_key_for_tokens_is_shown_once(shell: Shell) -> None:
    number = made(shell)
    first = shell.gives(f"storefront key 1 {number} --json")
    assert first["kid"].startswith("tk_") and len(first["secret"]) == 60
    assert first["secret"] not in json.dumps(shell.gives("storefront show 1 --json"))
    assert "kid     tk_" in shell.prints(f"storefront key 1 {number}")
    for wrong in (number + 100, number - 2):
        assert "credential" in shell.complains(f"storefront key 1 {wrong}")


def test_the_widget_can_be_dressed(shell: Shell) -> None:
    made(shell)
    said = shell.prints(
        "storefront widget 1 --color '#AA3300' --side left --language de --text 'title=Unsere Gäste' "
        "--login-url https://shop.example/login --no-enabled"
    )
    assert "Widget: hidden, #aa3300, left side" in said
    assert "Unsere Gäste" in said and "https://shop.example/login" in said
    assert shell.prints("storefront widget 1") == said
    assert "the page" in shell.prints("storefront widget 1 --language page")
    assert "#2f5d50" in shell.complains("storefront widget 1 --color red")
    assert "name=words" in shell.complains("storefront widget 1 --text title")
    assert "https://" in shell.complains("storefront widget 1 --login-url javascript:x")
