"""A person's own settings do not lead the installers astray; their proxies, mirrors and certificates stay."""

from bootstrap import surroundings


def test_settings_of_other_work_are_left_out() -> None:
    environment = surroundings.for_commands({"VIRTUAL_ENV": "/other", "GOFLAGS": "-mod=vendor", "PIP_USER": "1"})
    assert not {"VIRTUAL_ENV", "GOFLAGS", "PIP_USER"} & environment.keys()


def test_proxies_mirrors_and_caches_stay() -> None:
    own = {"HTTPS_PROXY": "http://proxy:3128", "GOPROXY": "https://mirror", "UV_CACHE_DIR": "/c", "HOME": "/h"}
    assert own.items() <= surroundings.for_commands(own).items()


def test_the_certificates_of_pip_serve_all_three_installers() -> None:
    assert surroundings.for_commands({"PIP_CERT": "/ca.crt"})["SSL_CERT_FILE"] == "/ca.crt"
    assert surroundings.for_commands({"PIP_CERT": "/ca.crt", "SSL_CERT_FILE": "/own"})["SSL_CERT_FILE"] == "/own"
