"""Read settings, prices and scripts from YAML or JSON files, whatever somebody has put into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.errors import FileFormatError
from truetwin.io.readable_files import check_is_file

if TYPE_CHECKING:
    import yaml

#: What a file by hand never reaches. Aliases can make a short file stand for a huge one: each use of one counts whole.
MOST_BYTES, MOST_VALUES, DEEPEST = 4_000_000, 1_000_000, 50


def read_yaml(path: Path) -> Any:
    """Read what a YAML (or JSON) file holds. A key may stand once only in a mapping.

    Raises
    ------
    FileFormatError
        If the file cannot be read, is not YAML, or is larger or deeper than a file of settings can be.
    """
    import yaml

    check_is_file(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileFormatError(
                f"{path} must be YAML of at most {MOST_BYTES // 1_000_000} MB; it is larger"
            )
        loader = _strict_loader()(path.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except RecursionError:
        raise FileFormatError(f"{path} must be YAML: it is nested too deeply") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} must be YAML: {' '.join(str(error).split())}") from None


def read_setting_file(path: Path) -> dict[str, Any]:
    """Read the settings in a YAML (or JSON) file by name; an empty file holds none.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or holds anything but settings by name.
    """
    found = read_yaml(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise FileFormatError(f"{path} must hold settings by name; it holds a {type(found).__name__}")
    return found


def _strict_loader() -> type[yaml.SafeLoader]:
    """The loader for YAML in which a key may stand once only, and a value that its tag does not fit is an error."""
    import yaml

    class Strict(yaml.SafeLoader):
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except ValueError as error:
                raise _problem(node, f"this value cannot be read ({error})") from None
            except (TypeError, AttributeError):
                raise _problem(node, "this value is not what its tag says") from None

        def construct_scalar(self, node: Any) -> Any:
            return _text(super().construct_scalar(node), node)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            if not isinstance(node, yaml.MappingNode):
                raise _problem(node, "here must be keys and values")
            seen = set()
            for key_node, _ in node.value:
                if key_node.tag == "tag:yaml.org,2002:merge":
                    continue
                key = self.construct_object(key_node, deep=True)
                if not isinstance(key, str | int | float | None):
                    raise _problem(key_node, "a key must be a text")
                if key in seen:
                    raise _problem(node, f"the key {key!r} occurs twice")
                seen.add(key)
            return super().construct_mapping(node, deep)

    return Strict


def _text(value: Any, node: yaml.Node) -> Any:
    """A text in which pairs of surrogates, as JSON writes rare characters, are the characters that they stand for."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _problem(node, "a text must not hold half of a surrogate pair") from None


def _problem(node: yaml.Node, words: str) -> yaml.YAMLError:
    import yaml

    return yaml.constructor.ConstructorError(None, None, words, node.start_mark)


def _check_size(root: yaml.Node) -> None:
    """Refuse a file whose aliases stand for too much, or for themselves."""
    sizes: dict[int, int] = {}
    open_now: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in open_now:
            raise _problem(node, "this value holds itself")
        if depth > DEEPEST:
            raise _problem(node, f"values are nested more than {DEEPEST} deep")
        if id(node) not in sizes:
            open_now.add(id(node))
            parts = node.value if isinstance(node.value, list) else []
            flat = [part for each in parts for part in (each if isinstance(each, tuple) else (each,))]
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in flat)
            open_now.discard(id(node))
        if sizes[id(node)] > MOST_VALUES:
            raise _problem(
                node, f"the file holds more than {MOST_VALUES:,} values, aliases counted at every use"
            )
        return sizes[id(node)]

    size(root, 0)
