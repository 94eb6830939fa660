"""The reference of the Python package as Markdown, from its signatures and docstrings."""

import inspect
from typing import Iterator, List

import potomac


def reference() -> str:
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for name in potomac.__all__:
        thing = getattr(potomac, name)
        if inspect.isclass(thing):
            if issubclass(thing, Exception):
                continue
            yield from _entry(f"potomac.{name}", thing)
            for method, of_class in vars(thing).items():
                if not method.startswith("_") and (callable(getattr(thing, method)) or
                                                   isinstance(of_class, property)):  # fmt: skip
                    yield from _entry(f"{name}.{method}", getattr(thing, method))
        elif callable(thing):
            yield from _entry(f"potomac.{name}", thing)


def _entry(name: str, thing: object) -> List[str]:
    text = inspect.getdoc(thing) or ""
    return ["```text", _signature(name, thing), "", *text.splitlines(), "```", ""]


def _signature(name: str, thing: object) -> str:
    if isinstance(thing, property):
        return name
    names = [
        str(p).split(":", 1)[0].split(" =", 1)[0]
        if p.default is inspect.Parameter.empty
        else f"{p.name}={p.default!r}"
        for p in inspect.signature(thing).parameters.values()  # type: ignore[arg-type]
        if p.name != "self"
    ]
    keyword_only = [
        p for p in inspect.signature(thing).parameters.values()  # type: ignore[arg-type]
        if p.kind is p.KEYWORD_ONLY
    ]  # fmt: skip
    if keyword_only and not any(n.startswith("*") for n in names):
        names.insert(len(names) - len(keyword_only), "*")
    return f"{name}({', '.join(names)})"
