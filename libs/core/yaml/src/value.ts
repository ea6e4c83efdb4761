import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Scalar } from "yaml";
import { plainValue, taggedValue } from "./scalar.ts";
import { YamlError } from "./yaml-error.ts";

/** How many values aliases may stand for in one document: a few bytes can mean billions. */
const MAX_ALIASED = 100_000;

interface Anchored {
  /** Undefined while its own content is read. */
  value?: { readonly it: unknown; readonly size: number };
}

/**
 * What a node means: maps, lists, texts, numbers, booleans and null, as JSON has them. An alias is its anchor's value itself, not a
 * copy. Merge keys (`<<`) work as kubectl has them: in their order, and of a list the first one wins.
 * @throws YamlError for what JSON cannot hold, a key that stands twice, and aliases without measure
 */
export function contentOf(root: unknown, plain = plainValue): unknown {
  return new Reader(plain).read(root).it;
}

class Reader {
  readonly #anchors = new Map<string, Anchored>();
  #aliased = 0;
  readonly #plain: (text: string) => unknown;

  constructor(plain: (text: string) => unknown) {
    this.#plain = plain;
  }

  read(node: unknown): { readonly it: unknown; readonly size: number } {
    if (isAlias(node)) return this.#alias(node.source, offsetOf(node));
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor === undefined) return this.#content(node);
    const anchored: Anchored = {};
    this.#anchors.set(anchor, anchored);
    anchored.value = this.#content(node);
    return anchored.value;
  }

  #alias(name: string, offset: number): { readonly it: unknown; readonly size: number } {
    const anchored = this.#anchors.get(name);
    if (!anchored) throw new YamlError(offset, `the alias *${name} has no anchor &${name} before it`);
    if (!anchored.value) throw new YamlError(offset, `the anchor &${name} holds itself`);
    this.#aliased += anchored.value.size;
    if (this.#aliased > MAX_ALIASED)
      throw new YamlError(offset, `its aliases stand for more than ${MAX_ALIASED} values; write them out or split it`);
    return anchored.value;
  }

  #content(node: unknown): { readonly it: unknown; readonly size: number } {
    if (isScalar(node)) return { it: scalarOf(node, this.#plain), size: 1 };
    if (isSeq(node)) {
      let size = 1;
      const it = node.items.map((each) => {
        // `[a: b]` is a list of a map with one field.
        const value = isPair(each) ? this.#map([each]) : this.read(each);
        size += value.size;
        return value.it;
      });
      return { it, size };
    }
    if (isMap(node)) return this.#map(node.items);
    return { it: null, size: 1 };
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[]): {
    readonly it: unknown;
    readonly size: number;
  } {
    const it: Record<string, unknown> = {};
    const own = new Set<string>();
    let size = 1;
    for (const { key, value } of pairs) {
      if (isMergeKey(key)) {
        const merged = this.read(value);
        size += merged.size;
        for (const each of Array.isArray(merged.it) ? merged.it.toReversed() : [merged.it]) {
          if (each === null || typeof each !== "object" || Array.isArray(each))
            throw new YamlError(offsetOf(key), "the merge key << needs a map or a list of maps");
          for (const [name, part] of Object.entries(each)) put(it, name, part);
        }
        continue;
      }
      const name = this.#key(key);
      if (own.has(name))
        throw new YamlError(
          offsetOf(key),
          `the key "${name.slice(0, 80)}" stands twice in one map; remove one of them`,
        );
      own.add(name);
      const read = this.read(value);
      size += read.size;
      put(it, name, read.it);
    }
    return { it, size };
  }

  #key(node: unknown): string {
    const { it } = this.read(node);
    if (typeof it === "string") return it;
    if (typeof it === "number" || typeof it === "boolean") return String(it);
    throw new YamlError(offsetOf(node), `a key must be a string, not ${it === null ? "empty" : "a map or a list"}`);
  }
}

function put(map: Record<string, unknown>, name: string, value: unknown): void {
  // An assignment would make it the prototype.
  if (name === "__proto__")
    Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true });
  else map[name] = value;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === "<<" && key.type === "PLAIN" && key.tag === undefined;
}

function scalarOf(node: Scalar, plain: (text: string) => unknown): unknown {
  const text = String(node.value ?? "");
  const tag = node.tag;
  if (tag === undefined) {
    const value = node.type === "PLAIN" || node.type === undefined ? plain(text) : text;
    return finite(value, node);
  }
  const tagged = taggedValue(tag, text);
  if (!tagged)
    throw new YamlError(offsetOf(node), `"${text.slice(0, 80)}" is no ${tag.replace("tag:yaml.org,2002:", "!!")}`);
  return finite(tagged.value, node);
}

function finite(value: unknown, node: Scalar): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new YamlError(
      offsetOf(node),
      `${String(node.source ?? value)} is not a number of JSON; put it in quotes if it is a string`,
    );
  return value;
}

export function offsetOf(node: unknown): number {
  return (node as Node | undefined | null)?.range?.[0] ?? 0;
}
