"""No two types of the library share a name: the linker would keep one's functions for both, and nobody would notice."""
import collections
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPE = re.compile(r"^(?:template <[^>]*>\s*)?(?:struct|class|enum class) (\w+)(?: final)?(?: :[^;{]*)? \{", re.M)
INNER = re.compile(r"^namespace (\w[\w:]*|) ?\{.*?^\}  // namespace ?\1$", re.M | re.S)


def outer_types(text):
    """Names of types in the namespace lathe itself: what stands in other namespaces, also nameless ones, is cut out."""
    body = re.sub(r"^namespace lathe \{", "", text, flags=re.M)
    body = re.sub(r"^\}  // namespace lathe$", "", body, flags=re.M)
    return TYPE.findall(INNER.sub("", body))


class Names(unittest.TestCase):
    def test_every_type_has_its_own(self):
        homes = collections.defaultdict(set)
        for folder in ("src", "include"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix in (".h", ".cc"):
                    for name in outer_types(path.read_text()):
                        homes[name].add(str(path.relative_to(ROOT)))
        self.assertGreater(len(homes), 200)
        self.assertEqual({name: sorted(paths) for name, paths in homes.items() if len(paths) > 1}, {})

    def test_inner_namespaces_do_not_count(self):
        text = "namespace lathe {\nnamespace {\nstruct A {\n};\n}  // namespace\nstruct B {\n};\n}  // namespace lathe\n"
        self.assertEqual(outer_types(text), ["B"])


if __name__ == "__main__":
    unittest.main()
