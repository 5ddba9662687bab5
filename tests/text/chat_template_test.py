"""Chat templates against Python's jinja2: each template with each context gives the same bytes, or fails in both.

data/templates/*.jinja are whole templates; data/template_snippets.txt has one template a block, between lines of "----".
"""

import json
import os
import pathlib
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import python_jinja  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"


def load_templates():
    templates = {path.name: path.read_text() for path in sorted((DATA / "templates").glob("*.jinja"))}
    blocks = (DATA / "template_snippets.txt").read_text().split("\n----\n")
    templates.update({f"snippet {i}: {block[:60]!r}": block for i, block in enumerate(blocks)})
    return templates


def main():
    templates = load_templates()
    contexts = json.loads((DATA / "template_contexts.json").read_text())
    assert len(templates) > 150 and len(contexts) >= 6, (len(templates), len(contexts))
    pairs = [(name, case) for name in templates for case in contexts]
    answers = python_jinja.render_all([(templates[name], contexts[case]) for name, case in pairs])
    failed = rendered = 0
    for (name, case), answer in zip(pairs, answers):
        expected, reason = python_jinja.render_python(templates[name], contexts[case])
        if answer.get("text") == expected:
            rendered += expected is not None
            continue
        failed += 1
        print(f"{name} with {case}:\n  python {expected!r} {reason or ''}\n  lathe  {answer}", file=sys.stderr)
    print(f"{len(pairs)} renderings, {rendered} with text, {failed} differ")
    # Most must render: two failures alike would hide a broken program. (The rest fails on purpose.)
    return 1 if failed or rendered < 0.6 * len(pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
