"""What a cell defines and checks, read from its text."""

from __future__ import annotations

import sys
import warnings

import pytest

from autograder.intake.syntax import Facts, facts_of, is_blank, is_comment, names_read, normalised

FORMS = {
    "def": "def f(): pass",
    "async": "async def f(): pass",
    "class": "class f: pass",
    "decorated": "@cache\n@other(1)\ndef f(): pass",
    "lambda": "f = lambda x: x",
    "partial": "f = partial(g, 1)",
    "annotated": "f: Callable = g",
    "tuple": "(a, [f, *b]) = things",
    "chained": "g = f = h",
    "in if": "if GPU:\n    def f(): pass\nelse:\n    pass",
    "in else": "if GPU:\n    pass\nelse:\n    def f(): pass",
    "in try": "try:\n    import x\nexcept ImportError:\n    def f(): pass",
    "in finally": "try:\n    pass\nfinally:\n    f = 1",
    "in with": "with a as f:\n    pass",
    "in for": "for f in fs:\n    pass",
    "in while": "while True:\n    f = 1\n    break",
    "in match": "match x:\n    case 1:\n        f = 2",
    "walrus": "(f := make())",
    "behind magic": "%%time\ndef f(): pass",
    "with line magic": "%matplotlib inline\n!pip install x\ndef f(): pass\nf?",
    "indented shell": "if COLAB:\n    !pip install x\ndef f(): pass",
    "assigned shell": "files = !ls\ndef f(): pass",
    "syntax error": "def f(x)\n    return x",
    "class with error": "class f(Module)\n    pass",
    "assignment with error": "f = lambda x: x\ndef broken(:",
}
NOT_FORMS = {
    "inner": "def g():\n    def f(): pass",
    "method": "class G:\n    def f(self): pass",
    "call": "f(1)",
    "declaration": "f: Callable",
    "attribute": "g.f = 1",
    "item": "f[0] = 1",
    "writefile": "%%writefile x.py\ndef f(): pass",
    "bash": "%%bash\nf=1",
    "comparison with error": "f == 1 and (",
    "text": "The function f is hard to write.",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_definition_is_seen(form: str) -> None:
    assert "f" in facts_of(FORMS[form]).defined


@pytest.mark.parametrize("form", NOT_FORMS)
def test_no_definition_is_imagined(form: str) -> None:
    assert "f" not in facts_of(NOT_FORMS[form]).bound


@pytest.mark.parametrize("source", ["import f", "import f.g", "import g as f", "from g import f", "from g import h as f"])
def test_an_import_binds_but_does_not_define(source: str) -> None:
    facts = facts_of(source)
    assert "f" in facts.bound and "f" not in facts.defined and facts.only_imports


@pytest.mark.parametrize(
    ("source", "checks"),
    [
        ('check("a.b", f)', {"a.b"}),
        ('"""text"""\n# remark\nvislab.check("a.b", f, grid=g)', {"a.b"}),
        ('check("a.b", f)\ncheck("a.c", g)', {"a.b", "a.c"}),
        ('x = 1\ncheck("a.b", f)', set()),
        ("check(name, f)", set()),
        ('print(check("a.b", f))', set()),
        ("", set()),
    ],
)
def test_a_cell_of_checks_alone_is_known(source: str, checks: set[str]) -> None:
    assert facts_of(source).checks == checks


HOSTILE = {
    "brackets": "(" * 10_000,
    "minus": "-" * 200_000 + "1",
    "attributes": "a" + ".b" * 100_000,
    "plus": "1" + "+1" * 100_000,
    "lambdas": "lambda:" * 50_000 + "1",
    "nul": "\0",
    "surrogate": "x = '\ud800'",
    "digits": "9" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sources_are_survived(name: str) -> None:
    assert isinstance(facts_of(HOSTILE[name]), Facts)
    assert "f" in facts_of("def f(): pass\n" + HOSTILE[name], syntax_bytes=1 << 20).defined


def test_a_long_source_is_read_by_lines() -> None:
    source = "def f(): pass\n" + "# x\n" * 100
    assert facts_of(source, syntax_bytes=100) == Facts(defined=frozenset("f"), bound=frozenset("f"), is_python=False)


def test_an_invalid_escape_warns_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert facts_of("f = '\\d'").defined == {"f"}
    assert capsys.readouterr().err == ""


def test_the_recursion_limit_is_left_alone() -> None:
    before = sys.getrecursionlimit()
    facts_of("(" * 1000)
    assert sys.getrecursionlimit() == before


def test_small_words() -> None:
    assert names_read("check('x', f)\ny = g") == {"check", "f", "g"}
    assert normalised("\n a  \n\n b\t\n\n") == " a\n\n b"
    assert is_blank(" \n\t") and not is_blank("#")
    assert is_comment("# a\n\n  # b") and is_comment("") and not is_comment("# a\nx")
