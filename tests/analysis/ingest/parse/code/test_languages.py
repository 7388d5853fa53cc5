"""A sample of each language: what is defined in it, by kind and path and head, and what it brings in."""

from __future__ import annotations

import pytest

from tests.analysis.ingest.parse.code.sources import outline, parsed, taken

Sample = tuple[str, list[tuple[str, str, str]], list[tuple[str, tuple[str, ...]]]]

SAMPLES: dict[str, Sample] = {
    "a.ts": (
        """import fs from "fs";
import { stamp, weigh as scale } from "./post";
/** A round. */
export interface Walk<T> extends Base { readonly pace: number; walk(steps: T): void }
export type Id = string | number;
export const enum Color { Red }
@Component({ selector: "round" })
export class Round implements Walk<number> {
  static count = 0;
  go = async (e: Event) => { this.walk(1); };
  constructor(private readonly letters: Letter[]) { super(); }
  async walk(steps: number, fast?: boolean): Promise<void> { const rest = () => 1; }
}
export const arrow = (x: number): number => x * 2;
const api = { get(url: string) { return url; } };
export default function main() { return new Round(); }
namespace Town { export function street() {} }
""",
        [
            ("interface", "Walk", "export interface Walk<T> extends Base"),
            ("property", "Walk.pace", "readonly pace: number"),
            ("method", "Walk.walk", "walk(steps: T): void"),
            ("type", "Id", "export type Id = string | number"),
            ("enum", "Color", "export const enum Color"),
            ("class", "Round", "export class Round implements Walk<number>"),
            ("field", "Round.count", "static count = 0"),
            ("method", "Round.go", "go = async (e: Event)"),
            ("constructor", "Round.constructor", "constructor(private readonly letters: Letter[])"),
            ("method", "Round.walk", "async walk(steps: number, fast?: boolean): Promise<void>"),
            ("function", "Round.walk.rest", "const rest = ()"),
            ("function", "arrow", "export const arrow = (x: number): number"),
            ("constant", "api", "const api = { get(url: string) { return url; } }"),
            ("method", "api.get", "get(url: string)"),
            ("function", "main", "export default function main()"),
            ("module", "Town", "namespace Town"),
            ("function", "Town.street", "export function street()"),
        ],
        [("fs", ("fs",)), ("./post", ("stamp", "weigh"))],
    ),
    "a.jsx": (
        """const { join } = require('path');
export { b } from './b';
const LIMIT = 10;
class Round extends Base {
  #rest() {}
  static async walk(steps) { return steps; }
}
const Letter = ({ text }) => <p className="x">{text}</p>;
Round.prototype.go = function (x) { return x; };
module.exports.send = (x) => x;
const handlers = { 'on-click': () => 1 };
""",
        [
            ("constant", "LIMIT", "const LIMIT = 10"),
            ("class", "Round", "class Round extends Base"),
            ("method", "Round.#rest", "#rest()"),
            ("method", "Round.walk", "static async walk(steps)"),
            ("function", "Letter", "const Letter = ({ text })"),
            ("method", "Round.go", "Round.prototype.go = function (x)"),
            ("function", "send", "module.exports.send = (x)"),
            ("constant", "handlers", "const handlers = { 'on-click': () => 1 }"),
            ("method", "handlers.on-click", "'on-click': ()"),
        ],
        [("path", ()), ("./b", ("b",))],
    ),
    "Round.java": (
        """package post;
import java.util.List;
import static java.lang.Math.*;
/** A round. */
@Deprecated
public class Round<T extends Letter> extends Base {
    public static final int LIMIT = 10;
    public Round(List<T> letters) { super(letters); }
    @Override
    public <R> List<R> walk(final T first,
                            int steps) throws IOException { return null; }
    interface Rest { void rest(); }
    enum Color { RED, GREEN(2) }
    record Point(int x, int y) {}
}
""",
        [
            ("class", "Round", "public class Round<T extends Letter> extends Base"),
            ("field", "Round.LIMIT", "public static final int LIMIT = 10"),
            ("constructor", "Round.Round", "public Round(List<T> letters)"),
            ("method", "Round.walk", "public <R> List<R> walk(final T first, int steps) throws IOException"),
            ("interface", "Round.Rest", "interface Rest"),
            ("method", "Round.Rest.rest", "void rest()"),
            ("enum", "Round.Color", "enum Color"),
            ("constant", "Round.Color.RED", "RED"),
            ("constant", "Round.Color.GREEN", "GREEN(2)"),
            ("class", "Round.Point", "record Point(int x, int y)"),
        ],
        [("java.util.List", ()), ("java.lang.Math", ())],
    ),
    "a.kt": (
        """package post
import post.Letter
/** A round. */
data class Round(val letters: List<Letter>) : Base() {
    val size: Int = 2
    @Throws(IOException::class)
    suspend fun walk(first: Letter, steps: Int): Int {
        return steps
    }
}

interface Walk {
    fun walk()
}

enum class Color { RED }
fun String.stamp(): String = this
typealias Id = String
val LIMIT = 10
""",
        [
            ("class", "Round", "data class Round(val letters: List<Letter>) : Base()"),
            ("property", "Round.size", "val size: Int = 2"),
            ("method", "Round.walk", "suspend fun walk(first: Letter, steps: Int): Int"),
            ("interface", "Walk", "interface Walk"),
            ("method", "Walk.walk", "fun walk()"),
            ("enum", "Color", "enum class Color"),
            ("constant", "Color.RED", "RED"),
            ("function", "stamp", "fun String.stamp(): String"),
            ("type", "Id", "typealias Id = String"),
            ("constant", "LIMIT", "val LIMIT = 10"),
        ],
        [("post.Letter", ())],
    ),
    "a.scala": (
        """import scala.collection.mutable
import post.{Letter, Stamp => S}
case class Round[T](letters: List[T]) extends Base {
  val size: Int = 1
  def walk(first: T)(implicit ec: Context): Future[Int] = { rest(first) }
}
object Round { def apply() = new Round(Nil) }
trait Walk { def walk(): Unit }
enum Color { case Red }
""",
        [
            ("class", "Round", "case class Round[T](letters: List[T]) extends Base"),
            ("field", "Round.size", "val size: Int = 1"),
            ("method", "Round.walk", "def walk(first: T)(implicit ec: Context): Future[Int]"),
            ("class", "Round", "object Round"),
            ("method", "Round.apply", "def apply()"),
            ("trait", "Walk", "trait Walk"),
            ("method", "Walk.walk", "def walk(): Unit"),
            ("enum", "Color", "enum Color"),
            ("constant", "Color.Red", "Red"),
        ],
        [("scala.collection.mutable", ()), ("post", ("Letter", "Stamp => S"))],
    ),
    "a.swift": (
        """import Foundation
/// A round.
@objc public class Round: Base {
    var letters: [Letter]
    init(letters: [Letter]) { self.letters = letters }
    public func walk(_ first: Letter, steps n: Int = 1) async throws -> Int { return n }
}
struct Point { let x: Int }
enum Color { case red, green(Int) }
protocol Walk { func walk() -> Int; var pace: Int { get } }
extension Round { func rest() {} }
let limit = 10
""",
        [
            ("class", "Round", "public class Round: Base"),
            ("property", "Round.letters", "var letters: [Letter]"),
            ("constructor", "Round.init", "init(letters: [Letter])"),
            ("method", "Round.walk", "public func walk(_ first: Letter, steps n: Int = 1) async throws -> Int"),
            ("struct", "Point", "struct Point"),
            ("property", "Point.x", "let x: Int"),
            ("enum", "Color", "enum Color"),
            ("constant", "Color.red", "case red, green(Int)"),
            ("constant", "Color.green", "case red, green(Int)"),
            ("interface", "Walk", "protocol Walk"),
            ("method", "Walk.walk", "func walk() -> Int"),
            ("property", "Walk.pace", "var pace: Int { get }"),
            ("method", "Round.rest", "func rest()"),
            ("constant", "limit", "let limit = 10"),
        ],
        [("Foundation", ())],
    ),
    "a.go": (
        """package post

import (
	"fmt"
	str "strings"
)

// Limit is the most.
const Limit = 10

var x, y int

// Round is a round.
type Round struct {
	Letters []Letter
}

type Walker interface {
	Walk(steps int) error
}

// Walk walks.
func (r *Round) Walk(steps int) (err error) { return nil }

func New[T any](x T) *Round { return &Round{} }
""",
        [
            ("constant", "Limit", "const Limit = 10"),
            ("constant", "x", "var x, y int"),
            ("constant", "y", "var x, y int"),
            ("struct", "Round", "type Round struct"),
            ("field", "Round.Letters", "Letters []Letter"),
            ("interface", "Walker", "type Walker interface"),
            ("method", "Walker.Walk", "Walk(steps int) error"),
            ("method", "Round.Walk", "func (r *Round) Walk(steps int) (err error)"),
            ("function", "New", "func New[T any](x T) *Round"),
        ],
        [("fmt", ()), ("strings", ())],
    ),
    "a.rs": (
        """use std::collections::HashMap;
use crate::post::{self, Letter, stamp::{A, B}};
use super::*;
mod other;
/// The most.
pub const LIMIT: usize = 10;
/// A round.
#[derive(Debug)]
pub struct Round<'a, T> where T: Copy { pub letters: Vec<&'a T> }
enum Color { Red }
pub trait Walk { fn walk(&self) -> u8; }
impl<'a, T> Round<'a, T> {
    /// Makes one.
    #[inline]
    pub fn new(letters: Vec<&'a T>) -> Self { Round { letters } }
}
impl<'a, T> Walk for Round<'a, T> { fn walk(&self) -> u8 { 1 } }
mod inner { pub fn deep() {} }
macro_rules! stamp { ($x:expr) => { $x } }
""",
        [
            ("constant", "LIMIT", "pub const LIMIT: usize = 10"),
            ("struct", "Round", "pub struct Round<'a, T> where T: Copy"),
            ("field", "Round.letters", "pub letters: Vec<&'a T>"),
            ("enum", "Color", "enum Color"),
            ("constant", "Color.Red", "Red"),
            ("trait", "Walk", "pub trait Walk"),
            ("method", "Walk.walk", "fn walk(&self) -> u8"),
            ("method", "Round.new", "pub fn new(letters: Vec<&'a T>) -> Self"),
            ("method", "Round.walk", "fn walk(&self) -> u8"),
            ("module", "inner", "mod inner"),
            ("function", "inner.deep", "pub fn deep()"),
            ("macro", "stamp", "macro_rules! stamp { ($x:expr) => { $x } }"),
        ],
        [
            ("std::collections::HashMap", ()),
            ("crate::post", ("self", "Letter", "stamp::{A, B}")),
            ("super", ()),
            ("other", ()),
        ],
    ),
    "a.c": (
        """#include <stdio.h>
#include "post.h"
#define LIMIT 10
#define MAX(a, b) ((a) > (b) ? (a) : (b))
/* A round. */
struct round { char *name; };
typedef int (*callback_t)(int);
enum color { RED };
static const int table[] = { 1, 2 };
extern int declared(void);
/* Walks. */
static int
walk(struct round *r, int steps)
{
    return steps;
}
char *name_of(int x) { return 0; }
""",
        [
            ("macro", "LIMIT", "#define LIMIT 10"),
            ("macro", "MAX", "#define MAX(a, b)"),
            ("struct", "round", "struct round"),
            ("field", "round.name", "char *name"),
            ("type", "callback_t", "typedef int (*callback_t)(int)"),
            ("enum", "color", "enum color"),
            ("constant", "color.RED", "RED"),
            ("constant", "table", "static const int table[] = { 1, 2 }"),
            ("function", "declared", "extern int declared(void)"),
            ("function", "walk", "static int walk(struct round *r, int steps)"),
            ("function", "name_of", "char *name_of(int x)"),
        ],
        [("stdio.h", ()), ("post.h", ())],
    ),
    "a.cpp": (
        """#include <vector>
namespace town::post {
/// A round.
template <typename T>
class Round : public Base {
 public:
  Round(int n) : n_(n) {}
  virtual int walk(const Letter& first) const = 0;
  bool operator==(const Round& other) const;
  int n_;
};
enum class Color { Red };
using Id = std::string;
}
// Outside of its class.
int town::post::Round::walk(const Letter& first) const { return 1; }
Round::~Round() {}
template <class T> T biggest(T a, T b) { return a; }
""",
        [
            ("module", "town.post", "namespace town::post"),
            ("class", "town.post.Round", "template <typename T> class Round : public Base"),
            ("constructor", "town.post.Round.Round", "Round(int n)"),
            ("method", "town.post.Round.walk", "virtual int walk(const Letter& first) const = 0"),
            ("method", "town.post.Round.operator==", "bool operator==(const Round& other) const"),
            ("field", "town.post.Round.n_", "int n_"),
            ("enum", "town.post.Color", "enum class Color"),
            ("constant", "town.post.Color.Red", "Red"),
            ("type", "town.post.Id", "using Id = std::string"),
            ("method", "town.post.Round.walk", "int town::post::Round::walk(const Letter& first) const"),
            ("method", "Round.~Round", "Round::~Round()"),
            ("function", "biggest", "template <class T> T biggest(T a, T b)"),
        ],
        [("vector", ())],
    ),
    "Round.cs": (
        """using System;
using Text = System.Text.StringBuilder;
namespace Town.Post
{
    /// <summary>A round.</summary>
    [Serializable]
    public partial class Round<T> : Base where T : Letter
    {
        public const int Limit = 10;
        public string Name { get; set; } = "x";
        public Round(List<T> letters) : base(1) { }
        [Obsolete]
        public async Task<int> Walk(T first, int steps = 1) { return steps; }
    }
    interface IWalk { void Walk(); }
    record Point(int X, int Y);
}
""",
        [
            ("module", "Town.Post", "namespace Town.Post"),
            ("class", "Town.Post.Round", "public partial class Round<T> : Base where T : Letter"),
            ("field", "Town.Post.Round.Limit", "public const int Limit = 10"),
            ("property", "Town.Post.Round.Name", "public string Name"),
            ("constructor", "Town.Post.Round.Round", "public Round(List<T> letters) : base(1)"),
            ("method", "Town.Post.Round.Walk", "public async Task<int> Walk(T first, int steps = 1)"),
            ("interface", "Town.Post.IWalk", "interface IWalk"),
            ("method", "Town.Post.IWalk.Walk", "void Walk()"),
            ("class", "Town.Post.Point", "record Point(int X, int Y)"),
        ],
        [("System", ()), ("System.Text.StringBuilder", ())],
    ),
    "a.rb": (
        """require 'json'
require_relative "post/letter"
module Town
  LIMIT = 10
  # A round.
  class Round < Base
    attr_accessor :letters
    # Makes one.
    def initialize(letters, n: 1)
      @letters = letters
    end
    def self.create(*args) = new(*args)
    def empty?
      true
    end
  end
end
class Town::Street; end
""",
        [
            ("module", "Town", "module Town"),
            ("constant", "Town.LIMIT", "LIMIT = 10"),
            ("class", "Town.Round", "class Round < Base"),
            ("property", "Town.Round.letters", "attr_accessor :letters"),
            ("constructor", "Town.Round.initialize", "def initialize(letters, n: 1)"),
            ("method", "Town.Round.create", "def self.create(*args)"),
            ("method", "Town.Round.empty?", "def empty?"),
            ("class", "Town.Street", "class Town::Street; end"),
        ],
        [("json", ()), ("post/letter", ())],
    ),
    "a.php": (
        """<?php
namespace Town\\Post;
use Town\\Letter;
use Town\\{Stamp, Box as B};
require_once __DIR__ . '/boot.php';
/** A round. */
#[Attr]
final class Round extends Base {
    const LIMIT = 1;
    private array $letters = [];
    public function __construct(private int $n) {}
    public static function walk(Letter $first, int $n = 1): int { return $n; }
}
interface Walk { public function go(); }
function top($x) { return $x; }
""",
        [
            ("class", "Round", "final class Round extends Base"),
            ("constant", "Round.LIMIT", "const LIMIT = 1"),
            ("property", "Round.letters", "private array $letters = []"),
            ("constructor", "Round.__construct", "public function __construct(private int $n)"),
            ("method", "Round.walk", "public static function walk(Letter $first, int $n = 1): int"),
            ("interface", "Walk", "interface Walk"),
            ("method", "Walk.go", "public function go()"),
            ("function", "top", "function top($x)"),
        ],
        [("Town\\Letter", ()), ("Town", ("Stamp", "Box")), ("/boot.php", ())],
    ),
    "a.sql": (
        """-- Letters.
CREATE TABLE IF NOT EXISTS post.letters (
  id SERIAL PRIMARY KEY,
  weight INT
);
CREATE VIEW heavy AS SELECT id FROM post.letters;
CREATE FUNCTION stamp(x int) RETURNS int AS $$ SELECT x; $$ LANGUAGE sql;
""",
        [
            ("table", "post.letters", "CREATE TABLE IF NOT EXISTS post.letters"),
            ("field", "post.letters.id", "id SERIAL PRIMARY KEY"),
            ("field", "post.letters.weight", "weight INT"),
            ("table", "heavy", "CREATE VIEW heavy AS SELECT id FROM post.letters"),
            ("function", "stamp", "CREATE FUNCTION stamp(x int) RETURNS int"),
        ],
        [],
    ),
    "a.sh": (
        """#!/bin/bash
# The most.
LIMIT=10
source ./lib.sh
# Walks.
walk() {
  step "$1" "${LIMIT}"
}
function rest { sleep 1; }
""",
        [("constant", "LIMIT", "LIMIT=10"), ("function", "walk", "walk()"), ("function", "rest", "function rest")],
        [("./lib.sh", ())],
    ),
    "a.yaml": (
        'version: 3\nservices:\n  web:\n    image: x\n"quoted": 1\n',
        [("key", "version", "version: 3"), ("key", "services", "services"), ("key", "quoted", '"quoted": 1')],
        [],
    ),
    "a.toml": (
        'title = "x"\n[project]\nname = "y"\n# What it runs.\n[project.scripts]\nrun = "a:b"\n',
        [
            ("key", "title", 'title = "x"'),
            ("key", "project", "[project]"),
            ("key", "project.name", 'name = "y"'),
            ("key", "project.scripts", "[project.scripts]"),
            ("key", "project.scripts.run", 'run = "a:b"'),
        ],
        [],
    ),
    "a.json": ('{"name": "x", "ä": {"b": 1}}', [("key", "name", '"name": "x"'), ("key", "ä", '"ä": {"b": 1}')], []),
    "a.html": (
        """<h1>Post</h1><div id="main"><h2 class="x">Rounds</h2></div>
<script src="/app.js"></script><script>function go(x) { return x; }</script>
""",
        [
            ("section", "Post", "<h1>Post</h1>"),
            ("section", "main", '<div id="main"><h2 class="x">Rounds</h2></div>'),
            ("section", "main > Rounds", '<h2 class="x">Rounds</h2>'),
            ("function", "go", "function go(x)"),
        ],
        [("/app.js", ())],
    ),
    "a.css": (
        """@import "base.css";
:root { --gap: 1px; }
.card > a, #main { color: red; }
@media print { .card { color: blue; } }
""",
        [
            ("rule", ":root", ":root"),
            ("constant", ":root.--gap", "--gap: 1px"),
            ("rule", ".card > a, #main", ".card > a, #main"),
            ("rule", "@media", "@media print { .card { color: blue; } }"),
            ("rule", "@media > .card", ".card"),
        ],
        [("base.css", ())],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_sample_defines_and_brings_in(tmp_path, name):
    source, symbols, imports = SAMPLES[name]
    document = parsed(tmp_path, name, source)
    assert outline(document) == symbols
    assert taken(document) == imports
    assert document.warnings == []


def test_doc_comments_and_attributes_belong_to_the_definition(tmp_path):
    document = parsed(tmp_path, "a.rs", SAMPLES["a.rs"][0])
    new = next(symbol for symbol in document.code.symbols if symbol.name == "new")
    assert document.text[new.start_char : new.end_char].startswith("/// Makes one.\n    #[inline]\n    pub fn new(")
    assert document.text[slice(*new.doc)] == "/// Makes one."
    assert document.code.symbols[new.parent].path == "Round"


def test_methods_outside_of_their_type_stand_under_it(tmp_path):
    for name, path in (("a.go", "Round.Walk"), ("a.rs", "Round.walk"), ("a.cpp", "town.post.Round.walk")):
        symbols = parsed(tmp_path, name, SAMPLES[name][0]).code.symbols
        last = [symbol for symbol in symbols if symbol.path == path][-1]
        assert symbols[last.parent].path == path.rpartition(".")[0]


def test_a_header_is_c_plus_plus_where_it_says_so(tmp_path):
    assert parsed(tmp_path, "a.h", "int walk(void);\n").code.syntax == "c"
    assert parsed(tmp_path, "a.h", "namespace post { class Round; }\n").code.syntax == "cpp"


def test_a_script_without_an_ending_is_what_its_first_line_says(tmp_path):
    assert parsed(tmp_path, "bin/run", "#!/usr/bin/env -S python3.11 -u\nx = 1\n").code.syntax == "python"
    assert parsed(tmp_path, "bin/run", "#!/bin/sh\nx=1\n").code.syntax == "bash"
