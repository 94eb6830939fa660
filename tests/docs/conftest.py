"""`pytest tests/docs --update` rewrites what the pages show into what the program prints."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite the pages instead of comparing")


@pytest.fixture
def update(request) -> bool:
    return request.config.getoption("--update")
