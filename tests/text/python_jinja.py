"""Jinja as transformers sets it up for chat templates, and the program under test beside it."""

import datetime
import functools
import json
import os
import pathlib
import subprocess

import jinja2
import jinja2.ext
import jinja2.sandbox
import jinja2.utils

NOW = 1_717_243_201  # a Saturday, 2024-06-01 12:00:01 UTC


class Generation(jinja2.ext.Extension):
    """The tag {% generation %}, whose body is rendered as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


class Namespace(jinja2.utils.Namespace):
    """Refuses names with an underscore before them."""

    def __init__(*arguments, **attributes):
        self, *more = arguments
        for name in dict(*more, **attributes):
            Namespace._check(name)
        jinja2.utils.Namespace.__init__(*arguments, **attributes)

    def __setitem__(self, name, value):
        Namespace._check(name)
        super().__setitem__(name, value)

    @staticmethod
    def _check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


def make_environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = tojson
    environment.globals["namespace"] = Namespace
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(NOW).strftime(form)
    return environment


ENVIRONMENT = make_environment()


@functools.lru_cache(maxsize=256)
def _compiled(template):
    return ENVIRONMENT.from_string(template)


def render_python(template, context):
    """The text, or None with the reason."""
    try:
        text = _compiled(template).render(**context)
        text.encode()
        return text, None
    except Exception as error:  # whatever Python says, the template has failed
        return None, f"{type(error).__name__}: {error}"


def render_all(pairs):
    """What the program answers for each (template, context)."""
    binary = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "tests" / "chat_template_tool"
    lines = [json.dumps({"template": template, "context": context, "now": NOW}) for template, context in pairs]
    out = subprocess.run([binary], input="\n".join(lines).encode() + b"\n", stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.decode().splitlines()]
