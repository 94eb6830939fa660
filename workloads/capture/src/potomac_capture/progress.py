"""Progress bars on a terminal, by tqdm where it is installed."""

import sys
from typing import Iterable, Sequence, TypeVar

Item = TypeVar("Item")


def with_progress(items: Sequence[Item], label: str) -> Iterable[Item]:
    """`items`, and a bar of them that shows once they take more than two seconds."""
    if not sys.stderr.isatty():
        return items
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return tqdm(items, desc=label, delay=2, leave=False, file=sys.stderr)
