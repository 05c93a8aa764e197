"""A little of each language, and what the map shows of it."""

from __future__ import annotations

SAMPLES: dict[str, tuple[str, list[str]]] = {
    "a.py": (
        """\
class A(B):
    async def f(
        self,
        a: int,
    ) -> None:
        pass

@x
def g(): ...
""",
        ["class A(B)", "  async def f(self, a: int) -> None", "def g(): ..."],
    ),
    "a.ts": (
        """\
export interface P<T> {
}
export const f = async (a: number) => {
}
type X = string
class Q {
  private async load(id: string): Promise<void> {
    while (true) {
    }
  }
}
""",
        [
            "export interface P<T>",
            "export const f = async (a: number)",
            "type X = string",
            "class Q",
            "  private async load(id: string): Promise<void>",
        ],
    ),
    "a.go": (
        """\
func (s *Store) Get(k string) ([]byte, error) {
}
type Store struct {
}
""",
        ["func (s *Store) Get(k string) ([]byte, error)", "type Store struct"],
    ),
    "a.rs": (
        """\
pub struct S;
impl Store for S {
    pub async fn get(&self) -> u8 {
    }
}
""",
        ["pub struct S;", "impl Store for S", "  pub async fn get(&self) -> u8"],
    ),
    "A.java": (
        """\
public final class A extends B {
  public static int f(List<T> a) {
    return f(a);
  }
}
""",
        ["public final class A extends B", "  public static int f(List<T> a)"],
    ),
    "A.cs": (
        """\
namespace X {
  public record R(int A);
  class A {
    public async Task<int> F(int a) {
    }
  }
}
""",
        ["namespace X", "  public record R(int A);", "  class A", "    public async Task<int> F(int a)"],
    ),
    "a.kt": ("data class P(val a: Int)\nfun main() {\n}\n", ["data class P(val a: Int)", "fun main()"]),
    "a.rb": (
        """\
module M
  class A < B
    def self.ok?(a)
    end
  end
end
""",
        ["module M", "  class A < B", "    def self.ok?(a)"],
    ),
    "a.php": (
        """\
<?php
class A {
    public function f(int $a): int
    {
    }
}
""",
        ["class A", "  public function f(int $a): int"],
    ),
    "a.ex": (
        """\
defmodule M.N do
  def f(a), do: a
  defp g(a) do
  end
end
""",
        ["defmodule M.N do", "  def f(a), do: a", "  defp g(a) do"],
    ),
    "a.c": (
        """\
#define SQUARE(x) ((x)*(x))
struct node {
};
static int add(int a, int b)
{
  return add(1, 2);
}
""",
        ["#define SQUARE(x) ((x)*(x))", "struct node", "static int add(int a, int b)"],
    ),
    "a.swift": (
        """\
struct S: P {
    func f(_ a: Int) -> Int {
    }
}
""",
        ["struct S: P", "  func f(_ a: Int) -> Int"],
    ),
    "a.dart": (
        """\
class W extends X {
  Widget build(BuildContext c) {
    return W();
  }
}
""",
        ["class W extends X", "  Widget build(BuildContext c)"],
    ),
    "a.sh": ("deploy() {\n  run\n}\n", ["deploy()"]),
    "a.md": ("def x(): ...", []),
}
