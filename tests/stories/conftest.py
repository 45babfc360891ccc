from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.world import World, world


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made
