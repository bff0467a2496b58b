"""What is said while everything goes wrong fits the contract, too, and what reaches the city its schema."""

from collections.abc import Iterator
from pathlib import Path

import gateway_talk
import pytest

import gateway_rig
import published
from contract_spy import Spy
from published_spy import PublishedSpy


@pytest.fixture(autouse=True)
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    """Whatever this process seals or understands in a test is held against the contract, in every test."""
    watching = Spy(monkeypatch, gateway_rig, gateway_talk)
    yield watching
    watching.judge()


@pytest.fixture(autouse=True)
def published_spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedSpy]:
    """Whatever the gateway composes for the city in a test is held against its schema, in every test."""
    watching = PublishedSpy(monkeypatch)
    yield watching
    watching.judge()


@pytest.fixture(autouse=True)
def deliveries(tmp_path: Path) -> Iterator[None]:
    """So is whatever a city gets in a street of these tests."""
    yield
    published.validate_streets(tmp_path)
