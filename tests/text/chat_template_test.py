"""Chat templates against Python's jinja2: each template with each context gives the same bytes, or fails in both.

Of this tree: data/templates/*.jinja are whole templates; data/template_snippets.txt has one template a block, between
lines of "----"; data/template_contexts.json what they are rendered with. Of the test data (tools/fetch_test_data.py): the
templates of 70 released models, with the conversations of chat_conversations.py.
"""

import json
import os
import pathlib
import sys
import time
import unittest

os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))

import chat_conversations  # noqa: E402
import package_download  # noqa: E402
import python_jinja  # noqa: E402

DATA = pathlib.Path(__file__).parent / "data"
TEST_DATA = package_download.cache_directory("LATHE_TEST_DATA", "test-data")


def own_templates():
    templates = {path.name: path.read_text() for path in sorted((DATA / "templates").glob("*.jinja"))}
    blocks = (DATA / "template_snippets.txt").read_text().split("\n----\n")
    templates.update({f"snippet {i}: {block[:60]!r}": block for i, block in enumerate(blocks)})
    return templates


def released_templates():
    return {path.stem: path.read_text() for path in sorted((TEST_DATA / "llama.cpp" / "templates").glob("*.jinja"))}


class ChatTemplates(unittest.TestCase):
    def compare(self, templates, contexts):
        """How many contexts each template renders; fails where the two differ."""
        pairs = [(name, case) for name in templates for case in contexts]
        answers = python_jinja.render_all([(templates[name], contexts[case]) for name, case in pairs])
        rendered = dict.fromkeys(templates, 0)
        different = []
        for (name, case), answer in zip(pairs, answers, strict=True):
            expected, reason = python_jinja.render_python(templates[name], contexts[case])
            if answer.get("text") == expected:
                rendered[name] += expected is not None
            else:
                different.append(f"{name} with {case}:\n  python {expected!r} {reason or ''}\n  lathe  {answer}")
        print(f"{len(templates)} templates, {len(pairs)} renderings, {sum(rendered.values())} with text, "
              f"{len(different)} differ", file=sys.stderr)
        self.assertEqual(different[:20], [])
        return rendered

    def test_own(self):
        templates, contexts = own_templates(), json.loads((DATA / "template_contexts.json").read_text())
        self.assertGreater(len(templates), 150)
        self.assertGreaterEqual(len(contexts), 6)
        rendered = self.compare(templates, contexts)
        # Most must render: two failures alike would hide a broken program. (The rest fails on purpose.)
        self.assertGreater(sum(rendered.values()), 0.6 * len(templates) * len(contexts))

    def test_released(self):
        templates, contexts = released_templates(), chat_conversations.contexts()
        self.assertEqual(len(templates), 70)
        rendered = self.compare(templates, contexts)
        self.assertEqual([name for name, count in rendered.items() if count == 0], [])
        self.assertGreater(sum(rendered.values()), 0.75 * len(templates) * len(contexts))

    def test_ten_thousand_messages_render_or_end_at_a_bound(self):
        templates = released_templates()
        messages = [{"role": "assistant" if i % 2 else "user", "content": "text"} for i in range(10000)]
        context = {"messages": messages, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
        start = time.monotonic()
        answers = python_jinja.render_all([(template, context) for template in templates.values()])
        seconds = time.monotonic() - start
        # What is over our bound can take Python minutes: work that grows with the square of the messages.
        bounded = [name for name, answer in zip(templates, answers, strict=True)
                   if "more steps than allowed" in answer.get("error", "")]
        rendered = 0
        for (name, template), answer in zip(templates.items(), answers, strict=True):
            if name not in bounded:
                self.assertEqual(answer.get("text"), python_jinja.render_python(template, context)[0], name)
                rendered += "text" in answer
        print(f"{rendered} of {len(templates)} templates render 10,000 messages, {len(bounded)} end at the bound, "
              f"{seconds:.1f} s", file=sys.stderr)
        self.assertGreater(rendered, 40)
        self.assertLess(seconds, 120)


if __name__ == "__main__":
    unittest.main()
