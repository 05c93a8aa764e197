"""What a change takes from the tests, as tables: what must be noticed, and what must not."""

from __future__ import annotations

import pytest

from tamma.workspace.interface import PolicyFinding
from tamma.workspace.weakening.compare import changed_proof, weakened
from tamma.workspace.weakening.files import is_test
from tamma.workspace.weakening.settings import is_settings, loosened

Case = tuple[str, str, str]

PY = "import pytest\n\ndef test_add():\n    assert add(1, 2) == 3\n    assert add(0, 0) == 0\n"
UNIT = "class TestAdd(TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
TABLE = (
    "@pytest.mark.parametrize('a, b', [(1, 2), (2, 4)])\ndef test_twice(a, b):\n    assert twice(a) == b\n"
)
RAISES = "def test_no():\n    with pytest.raises(ValueError, match='negative'):\n        root(-1)\n"
JS = (
    "describe('add', () => {\n  it('adds', () => {\n"
    "    expect(add(1, 2)).toBe(3);\n    expect(add(0, 0)).toBe(0);\n  });\n});\n"
)
GO = 'func TestAdd(t *testing.T) {\n\tif got := Add(1, 2); got != 3 {\n\t\tt.Errorf("got %d", got)\n\t}\n}\n'
JAVA = (
    "class AddTest {\n    @Test\n    void adds() {\n"
    "        assertEquals(3, add(1, 2));\n        assertEquals(0, add(0, 0));\n    }\n}\n"
)
RUST = (
    "fn add() {}\n\n#[cfg(test)]\nmod tests {\n"
    "    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n"
)
RSPEC = (
    "describe 'add' do\n  it 'adds' do\n"
    "    expect(add(1, 2)).to eq(3)\n    expect(add(0, 0)).to eq(0)\n  end\nend\n"
)
SWALLOWED = (
    "def test_add():\n    try:\n        assert add(1, 2) == 3\n        assert add(0, 0) == 0\n"
    "    except AssertionError:\n        pass\n"
)
CASES = (
    "@pytest.mark.parametrize('a, b, c', [(1, 2, 3), (0, 0, 0)])\n"
    "def test_add(a, b, c):\n    assert add(a, b) == c\n"
)
HOLLOW_JAVA = "class AddTest {\n    @Test\n    void adds() {\n        assertTrue(true);\n    }\n}\n"
MORE = "\n@pytest.mark.skipif(WINDOWS, reason='x')\ndef test_more():\n    assert add(2, 2) == 4\n"
MINITEST = "class AddTest < Minitest::Test\n  def test_adds\n    assert_equal 3, add(1, 2)\n  end\nend\n"
PATHS = {
    "py": "tests/test_add.py",
    "js": "src/add.test.ts",
    "go": "add_test.go",
    "java": "src/test/java/AddTest.java",
    "rs": "src/add.rs",
    "rb": "spec/add_spec.rb",
}


def found(language: str, before: str, after: str) -> list[PolicyFinding]:
    path = PATHS[language]
    return list(weakened({path: before}, {path: after}))


WEAK: list[tuple[str, str, str, str]] = [
    ("py", PY, PY.replace("def test", "@pytest.mark.skip\ndef test"), "skipped test"),
    ("py", PY, PY.replace("def test", "@pytest.mark.skipif(True, reason='x')\ndef test"), "skipped test"),
    ("py", PY, PY.replace("def test", "@pytest.mark.xfail\ndef test"), "skipped test"),
    ("py", PY, PY.replace("    assert add(1", "    pytest.skip('flaky')\n    assert add(1"), "skipped test"),
    ("py", PY, PY.replace("def test", "pytestmark = pytest.mark.skip\n\ndef test"), "skipped test"),
    ("py", PY, PY.replace("def test", "pytest.skip(allow_module_level=True)\n\ndef test"), "skipped test"),
    ("py", UNIT, UNIT.replace("class", "@unittest.skip('x')\nclass"), "skipped test"),
    ("py", UNIT, UNIT.replace("    def", "    @expectedFailure\n    def"), "skipped test"),
    ("py", UNIT, UNIT.replace("self.assertEqual(add(1, 2), 3)", "self.skipTest('x')"), "skipped test"),
    ("py", UNIT, UNIT.replace("    def", "    __test__ = False\n    def"), "skipped test"),
    ("py", PY, PY.replace("    assert add(0, 0) == 0\n", ""), "removed assertion"),
    ("py", PY, "def test_add():\n    pass\n", "emptied test"),
    ("py", PY, "def test_add():\n    assert True\n    assert 1 == 1\n", "emptied test"),
    ("py", PY, "def test_add():\n    assert (add(1, 2) == 3, 'sum')\n", "emptied test"),
    ("py", PY, PY.replace("    assert add(1", "    return\n    assert add(1"), "emptied test"),
    ("py", PY, SWALLOWED, "emptied test"),
    (
        "py",
        PY,
        "def test_add():\n    with suppress(Exception):\n        assert add(1, 2) == 3\n",
        "emptied test",
    ),
    ("py", PY, "def test_add():\n    if False:\n        assert add(1, 2) == 3\n", "emptied test"),
    ("py", PY, PY.replace("add(1, 2) == 3", "add(1, 2) is not None"), "loosened assertion"),
    ("py", PY, PY.replace("add(1, 2) == 3", "add(1, 2) in (3, 4)"), "loosened assertion"),
    ("py", PY, PY.replace("add(1, 2) == 3", "add(1, 2) == 3 or True"), "removed assertion"),
    ("py", PY, PY.replace("== 3", "== pytest.approx(3, abs=2)"), "loosened assertion"),
    ("py", UNIT, UNIT.replace("assertEqual(add(1, 2), 3)", "assertTrue(add(1, 2))"), "loosened assertion"),
    (
        "py",
        UNIT,
        UNIT.replace("assertEqual(add(1, 2), 3)", "assertIsNotNone(add(1, 2))"),
        "loosened assertion",
    ),
    ("py", RAISES, RAISES.replace("ValueError, match='negative'", "Exception"), "loosened assertion"),
    ("py", RAISES, RAISES.replace(", match='negative'", ""), "loosened assertion"),
    ("py", TABLE, TABLE.replace(", (2, 4)", ""), "removed assertion"),
    (
        "py",
        TABLE,
        TABLE.replace("(2, 4)", "pytest.param(2, 4, marks=pytest.mark.xfail)"),
        "removed assertion",
    ),
    ("py", PY, "def test_add(:\n", "unreadable test"),
    ("js", JS, JS.replace("it('adds'", "it.skip('adds'"), "skipped test"),
    ("js", JS, JS.replace("it('adds'", "xit('adds'"), "skipped test"),
    ("js", JS, JS.replace("it('adds'", "it.todo('adds'"), "skipped test"),
    ("js", JS, JS.replace("describe(", "describe.skip("), "skipped test"),
    ("js", JS, JS.replace("describe(", "xdescribe("), "skipped test"),
    ("js", JS, JS + "it.only('fine', () => { expect(1).toBe(one()); });\n", "focused test"),
    ("js", JS, JS.replace("it('adds'", "fit('adds'"), "focused test"),
    ("js", JS, JS.replace("    expect(add(0, 0)).toBe(0);\n", ""), "removed assertion"),
    (
        "js",
        JS,
        JS.replace("    expect(add(0, 0)).toBe(0);\n", "    // expect(add(0, 0)).toBe(0);\n"),
        "removed assertion",
    ),
    ("js", JS, JS.replace("toBe(3)", "toBeDefined()"), "loosened assertion"),
    ("js", JS, JS.replace("toBe(3)", "toBeTruthy()"), "loosened assertion"),
    ("js", JS, JS.replace("toBe(3)", "toBeGreaterThan(0)"), "loosened assertion"),
    ("js", JS, "describe('add', () => {\n  it('adds', () => {\n  });\n});\n", "emptied test"),
    ("js", JS, "it('adds', () => {\n  expect(true).toBe(true);\n});\n", "emptied test"),
    ("go", GO, GO.replace("\tif", '\tt.Skip("flaky")\n\tif'), "skipped test"),
    ("go", GO, "//go:build ignore\n\n" + GO, "skipped test"),
    ("go", GO, "func TestAdd(t *testing.T) {\n\tAdd(1, 2)\n}\n", "emptied test"),
    ("go", GO, GO.replace("if got := Add(1, 2); got != 3", "if false"), "emptied test"),
    (
        "go",
        "func TestA(t *testing.T) {\n\tassert.Equal(t, 3, Add(1, 2))\n}\n",
        "func TestA(t *testing.T) {\n\tassert.NotNil(t, Add(1, 2))\n}\n",
        "loosened assertion",
    ),
    ("java", JAVA, JAVA.replace("    @Test", '    @Disabled("later")\n    @Test'), "skipped test"),
    ("java", JAVA, JAVA.replace("    @Test", "    @Test\n    @Ignore"), "skipped test"),
    ("java", JAVA, "@Disabled\n" + JAVA, "skipped test"),
    ("java", JAVA, JAVA.replace("        assertEquals(0, add(0, 0));\n", ""), "removed assertion"),
    (
        "java",
        JAVA,
        JAVA.replace("assertEquals(3, add(1, 2))", "assertNotNull(add(1, 2))"),
        "loosened assertion",
    ),
    ("java", JAVA, HOLLOW_JAVA, "emptied test"),
    ("rs", RUST, RUST.replace("#[test]", "#[test]\n    #[ignore]"), "skipped test"),
    ("rs", RUST, RUST.replace("        assert_eq!(add(1, 2), 3);\n", ""), "emptied test"),
    ("rs", RUST, RUST.replace("assert_eq!(add(1, 2), 3)", "assert!(true)"), "emptied test"),
    ("rs", RUST, RUST.replace("assert_eq!(add(1, 2), 3)", "assert!(add(1, 2) > 0)"), "loosened assertion"),
    ("rb", RSPEC, RSPEC.replace("it 'adds'", "xit 'adds'"), "skipped test"),
    ("rb", RSPEC, RSPEC.replace("it 'adds' do", "it 'adds', skip: true do"), "skipped test"),
    ("rb", RSPEC, RSPEC.replace("    expect(add(1", "    skip 'later'\n    expect(add(1"), "skipped test"),
    ("rb", RSPEC, RSPEC.replace("describe", "xdescribe"), "skipped test"),
    ("rb", RSPEC, RSPEC.replace("it 'adds'", "fit 'adds'"), "focused test"),
    ("rb", RSPEC, RSPEC.replace("    expect(add(0, 0)).to eq(0)\n", ""), "removed assertion"),
    ("rb", RSPEC, RSPEC.replace("to eq(3)", "to be_truthy"), "loosened assertion"),
    ("rb", MINITEST, MINITEST.replace("    assert_equal", "    skip\n    assert_equal"), "skipped test"),
    ("rb", MINITEST, MINITEST.replace("assert_equal 3, add(1, 2)", "add(1, 2)"), "emptied test"),
]


@pytest.mark.parametrize(("language", "before", "after", "rule"), WEAK)
def test_what_takes_from_a_test_is_refused(language: str, before: str, after: str, rule: str) -> None:
    findings = found(language, before, after)
    assert [(item.rule, item.refuse) for item in findings] == [(rule, True)]


HONEST: list[Case] = [
    ("py", PY, PY.replace("== 3", "== 4")),
    ("py", PY, PY.replace("assert add(1, 2) == 3", "assert 3 == add(1, 2), 'with words'")),
    ("py", PY, PY + MORE),
    ("py", PY, PY.replace("test_add", "test_adds_numbers")),
    ("py", PY, "def test_add():\n    assert [add(1, 2), add(0, 0)] == [3, 0]\n"),
    ("py", PY, CASES),
    ("py", PY, "def test_add():\n    for a, b, c in TABLE:\n        assert add(a, b) == c\n"),
    ("py", PY, "def test_one():\n    assert add(1, 2) == 3\n\ndef test_zero():\n    assert add(0, 0) == 0\n"),
    ("py", PY, "def test_add():\n    check_sum(1, 2, 3)\n    check_sum(0, 0, 0)\n"),
    ("py", UNIT, "def test_add():\n    assert add(1, 2) == 3\n"),
    ("py", UNIT, UNIT.replace("assertEqual(add(1, 2), 3)", "assertEqual(3, add(1, 2), 'sum')")),
    ("py", UNIT, UNIT.replace("assertEqual(add(1, 2), 3)", "assertEquals(add(1, 2), 3)")),
    ("py", RAISES, RAISES.replace("ValueError", "DomainError")),
    ("py", TABLE, TABLE.replace("(2, 4)", "(3, 6), (2, 4)")),
    ("py", TABLE, TABLE.replace("(2, 4)", "pytest.param(2, 4, id='two')")),
    ("py", "def test_f():\n    assert f() == 0.3\n", "def test_f():\n    assert f() == pytest.approx(0.3)\n"),
    ("py", PY.replace("def", "@pytest.mark.skip\ndef", 1), PY),
    ("py", "print 'Python 2'\n", "print 'still'\n"),
    ("js", JS, JS.replace("toBe(3)", "toEqual(3)")),
    ("js", JS, JS.replace("'adds'", "'adds two numbers'")),
    ("js", JS, JS.replace("toBe(3)", "toBe(4)")),
    ("js", JS, JS.replace("'", '"')),
    ("js", JS, JS.replace("  it(", "  // it.only is not used, nor it.skip('adds')\n  it(")),
    ("js", JS, JS.replace("expect(add(1, 2)).toBe(3);", "expect(\n      add(1, 2),\n    ).toBe(3);")),
    ("js", JS, JS + "it('says skip', () => { expect(said()).toBe('it.skip(only)'); });\n"),
    ("go", GO, GO.replace("got != 3", "got != 4")),
    ("go", GO, "func TestAdd(t *testing.T) {\n\tassert.Equal(t, 3, Add(1, 2))\n}\n"),
    ("go", GO, GO + '\nfunc TestLong(t *testing.T) {\n\tif testing.Short() {\n\t\tt.Skip("long")\n\t}\n}\n'),
    ("java", JAVA, JAVA.replace("void adds", "void addsTwo")),
    ("java", JAVA, JAVA.replace("assertEquals(3, add(1, 2))", "assertThat(add(1, 2)).isEqualTo(3)")),
    ("java", JAVA, JAVA.replace("    @Test", '    @Test\n    @DisplayName("Ignore nothing")')),
    ("rs", RUST, RUST.replace("fn add() {}", 'fn add(a: i32) -> &\'static str { "x" }')),
    ("rs", RUST, RUST.replace("assert_eq!(add(1, 2), 3)", "assert!(add(1, 2) == 3)")),
    ("rb", RSPEC, RSPEC.replace("'adds'", "'sums'")),
    ("rb", RSPEC, RSPEC.replace("eq(3)", "eql(3)")),
    ("rb", MINITEST, MINITEST.replace("assert_equal 3, add(1, 2)", "_(add(1, 2)).must_equal 3")),
]


@pytest.mark.parametrize(("language", "before", "after"), HONEST)
def test_honest_work_on_a_test_passes(language: str, before: str, after: str) -> None:
    assert found(language, before, after) == []


@pytest.mark.parametrize(
    ("language", "text"), [("py", PY), ("js", JS), ("go", GO), ("java", JAVA), ("rs", RUST), ("rb", RSPEC)]
)
def test_a_test_that_is_gone_is_a_question_and_one_that_moved_is_none(language: str, text: str) -> None:
    path = PATHS[language]
    (finding,) = weakened({path: text}, {})
    assert (finding.rule, finding.refuse) == ("deleted test", False)
    elsewhere = path.replace("add", "sum").replace("Add", "Sum")
    assert weakened({path: text}, {elsewhere: text}) == ()


def test_a_test_that_becomes_no_test_is_gone() -> None:
    (finding,) = found("py", PY, PY.replace("test_add", "_test_add"))
    assert (finding.rule, finding.refuse) == ("deleted test", False)


def test_a_file_with_several_tests_is_one_question() -> None:
    (finding,) = weakened(
        {"tests/test_x.py": PY + PY.replace("test_add", "test_b").replace("add", "sub")}, {}
    )
    assert "2 tests" in finding.detail


def test_a_new_file_may_focus_nothing() -> None:
    (finding,) = weakened({}, {"a.test.js": JS.replace("it(", "it.only(")})
    assert (finding.rule, finding.line) == ("focused test", 2)


@pytest.mark.parametrize(
    ("language", "text", "old", "new"),
    [
        ("py", PY, "== 3", "== 4"),
        ("py", PY, "add(1, 2)", "add(2, 1)"),
        ("py", "def test_x():\n    want = 3\n    assert f() == want\n", "want = 3", "want = 2"),
        ("py", TABLE, "(2, 4)", "(2, 5)"),
        ("js", JS, "toBe(3)", "toBe(4)"),
        ("go", GO, "got != 3", "got != 4"),
        ("java", JAVA, "(3, add", "(4, add"),
        ("rs", RUST, ", 3)", ", 4)"),
        ("rb", RSPEC, "eq(3)", "eq(4)"),
    ],
)
def test_what_showed_the_problem_keeps_its_expectation(language: str, text: str, old: str, new: str) -> None:
    path = PATHS[language]
    (finding,) = changed_proof({path: text}, {}, {path: text.replace(old, new)})
    assert (finding.rule, finding.refuse) == ("changed proof", True)
    assert changed_proof({path: text}, {}, {path: text}) == ()
    assert changed_proof({path: text}, {path: text}, {path: text.replace(old, new)}) == (), "it is the base's"


def test_what_showed_the_problem_may_not_go() -> None:
    (finding,) = changed_proof({PATHS["py"]: PY}, {}, {})
    assert (finding.rule, finding.refuse) == ("deleted test", True)
    (finding,) = changed_proof({"check.sh": "exit 1\n"}, {}, {"check.sh": "exit 0\n"})
    assert (finding.rule, finding.refuse) == ("changed proof", True)


def test_what_showed_the_problem_may_be_polished() -> None:
    path = PATHS["py"]
    better = PY.replace("def test_add():", 'def test_addition():\n    """Adds."""').replace(
        "import pytest\n", ""
    )
    assert changed_proof({path: PY}, {}, {path: better + "    assert add(5, 5) == 10\n"}) == ()
    assert changed_proof({path: PY}, {}, {"tests/test_sum.py": PY}) == ()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("Makefile", "\tpython -m pytest || true"),
        ("Makefile", "\t-go test ./..."),
        ("package.json", '    "test": "jest || true",'),
        ("package.json", '    "test": "vitest run --passWithNoTests",'),
        ("package.json", '    "testPathIgnorePatterns": ["add"],'),
        ("jest.config.js", "  testPathIgnorePatterns: ['add'],"),
        ("pyproject.toml", "addopts = \"-k 'not add'\""),
        ("pyproject.toml", 'addopts = "--ignore=tests/test_add.py"'),
        ("setup.cfg", "addopts = --deselect tests/test_add.py::test_add"),
        ("tests/conftest.py", 'collect_ignore = ["test_add.py"]'),
        ("conftest.py", "def pytest_collection_modifyitems(items):"),
        ("conftest.py", "def pytest_runtest_makereport(item, call):"),
        ("pom.xml", "<skipTests>true</skipTests>"),
        ("ci/test.sh", "cargo test; exit 0"),
    ],
)
def test_a_setting_that_hides_tests_is_refused(path: str, line: str) -> None:
    assert is_settings(path)
    (finding,) = loosened(path, "first\n", f"first\n{line}\n")
    assert (finding.rule, finding.refuse, finding.line) == ("test settings", True, 2)
    assert list(loosened(path, f"{line}\n", f"{line}\nmore\n")) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("Makefile", "\trm -f build || true"),
        ("Makefile", "\tpython -m pytest -q"),
        ("package.json", '    "test": "jest --coverage",'),
        ("pyproject.toml", 'addopts = "-ra --strict-markers"'),
        ("pyproject.toml", 'test = ["pytest"]'),
        ("conftest.py", "def pytest_configure(config):"),
        ("Cargo.toml", 'test-case = "3"'),
    ],
)
def test_other_settings_pass(path: str, line: str) -> None:
    assert list(loosened(path, "", f"{line}\n")) == []


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("tests/test_a.py", True),
        ("a_test.go", True),
        ("src/a.spec.ts", True),
        ("src/test/java/A.java", True),
        ("app/contest.py", False),
        ("src/latest.js", False),
        ("tests/data.json", False),
        ("AddTest.java", True),
    ],
)
def test_tests_are_known_by_their_path(path: str, test: bool) -> None:
    assert is_test(path) is test
