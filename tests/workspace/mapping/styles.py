"""Ways of writing that are easily missed, or taken for definitions, with the names that a map has of them."""

from __future__ import annotations

STYLES: dict[str, tuple[str, str, list[str]]] = {
    "functions as values": (
        "a.js",
        """\
exports.show = function (req, res) {
};
app.path = () => this.parent;
Store.prototype.get = async function get(key) {
};
class A {
  render () {}
  get size () { return 1 }
  onClick = (event) => {
  }
}
""",
        ["show", "path", "get", "A", "render", "size", "onClick"],
    ),
    "calls with functions": (
        "a.js",
        """\
describe('.protocol', function () {
  it("works", async (done) => {
    expect(result).toEqual({
    })
    if (a) {
    }
    if (one(a,
        two(b))) {
    }
  })
})
const half = (width / 2);
""",
        [],
    ),
    "code in templates": (
        "a.ts",
        """\
const valid = [
  {code: `
class InText {
}
function inText() {
}
`},
]
const name = `a`
function real(): void {
}
""",
        ["real"],
    ),
    "types over several lines": (
        "a.ts",
        """\
export class Users {
  constructor(
    private readonly store: Store,
  ) {}
  find<T extends Keys, U = string>(
    key: T,
  ): Promise<U> {
  }
  list(): Promise<User[]>
  list(filter: {
    name: string
  }): Promise<User[]>
}
""",
        ["Users", "constructor", "find", "list", "list"],
    ),
    "generic methods and those of interfaces": (
        "A.java",
        """\
@FunctionalInterface
public interface A<T> {
  <R> Optional<R> map(Function<? super T, R> f) throws Missing;
  void release();
  @Override public String toString() {
    return name(new Object());
  }
  public static Map<String, List<Object>> all(
      Source source) {
  }
}
""",
        ["A", "map", "release", "toString", "all"],
    ),
    "a byte order mark, attributes, and what is generic": (
        "A.cs",
        """\
\ufeffnamespace Shop.Carts;
[Serializable]
public readonly record struct Line(int Id);
class Cart
{
    Cart(int id)
    {
    }
    [Fact] public async Task<IReadOnlyList<Line>> LinesAsync(CancellationToken stop)
    private Dictionary<string, object> Mappings(object context) => null;
    var all = await Load(context);
}
""",
        ["Carts", "Line", "Cart", "Cart", "LinesAsync", "Mappings"],
    ),
    "receivers, annotations and names of several words": (
        "a.kt",
        """\
enum class Level { LOW }
fun interface Loader { fun load(): Int }
@Test fun awkwardDates() {
}
inline fun <reified T : Any> Map<String, T>.second(): T? = null
fun Cache.Builder.noStore() = apply { }
fun `keeps what is old`() {
}
val text = \"\"\"
  fun inText() {
  }
\"\"\"
""",
        ["Level", "Loader", "awkwardDates", "second", "noStore", "keeps what is old"],
    ),
    "implementations": (
        "a.rs",
        """\
impl<T: Into<String>> Sender<T> {
    unsafe extern "system" fn handle(code: u32) -> bool {
    }
}
impl<'a> From<&'a str> for crate::errors::Error {
}
impl Stream for &'a Path {
}
macro_rules! check {
    () => { fn $name() {} };
}
""",
        ["Sender", "handle", "Error", "Path", "check"],
    ),
    "types on their own line, and what is a typedef": (
        "a.c",
        """\
/*
 The function
 named cleanup (see below) frees it. So do
 others that release(a, b)
*/
typedef struct node node_t;
typedef int (*compare_fn)(const void *a,
        const void *b);
struct __attribute__((packed)) header {
};
static enum result
find_node(struct node *from, const char *name,
    int depth)
{
        struct sockaddr *address,
        if (compare(from,
            name)) {
}
    void
add_node(
    int     count)
{
}
typedef struct {
} list_t;
""",
        ["node_t", "compare_fn", "header", "find_node", "add_node", "list_t"],
    ),
    "members outside of their class": (
        "a.cpp",
        """\
namespace shop::carts {
using Lines = std::vector<Line>;
class SHOP_EXPORT Cart final : public Base {
  explicit Cart(int id) : id_(id) {}
  ~Cart() override;
  template <typename T> auto total(T start) -> T { return start; }
};
Cart::Cart(int id, std::map<int, int> prices)
    : id_(id) {
  std::snprintf(text, sizeof(text), "%d",
  std::thread runner([&] {
  fmt::print("{}", total(1));
}
[[nodiscard]] bool carts::Cart::empty() const {
}
enum class Kind : char {
};
struct waiting;
""",
        ["carts", "Lines", "Cart", "Cart", "Cart", "total", "Cart", "empty", "Kind"],
    ),
    "names that have a place": (
        "a.php",
        """\
<?php
namespace Shop\\Carts;
final class Cart
{
    abstract protected function &total(): int;
}
""",
        ["Carts", "Cart", "total"],
    ),
    "code in documents": (
        "a.rb",
        """\
it "is known" do
  expect_offense(<<~RUBY)
    def in_text
    end
  RUBY
end
private def real?(a)
end
def self.made
end
""",
        ["real?", "made"],
    ),
    "code in texts": (
        "a.py",
        '''\
def real():  # it's "so"
    """Says what.

    def in_text():
    class InText
    """
    text = r\'\'\'
def in_text(): ...
\'\'\'


async def second(): ...
''',
        ["real", "second"],
    ),
    "code in comments": ("a.go", "/*\nfunc inText() {\n}\n*/\nfunc real() {\n}\n", ["real"]),
}
