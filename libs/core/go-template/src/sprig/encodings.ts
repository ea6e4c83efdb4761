import { hash } from "node:crypto";
import { readYaml, writeYaml } from "@xebec/core-yaml";
import type { Functions } from "../pipeline.ts";
import { TemplateError } from "../template-error.ts";
import { isFields, Markup, sortedKeys, textOf } from "../values.ts";

/** Sprig's and Helm's functions that write and read JSON, YAML and other forms. */
export const ENCODINGS: Functions = {
  toJson: (value) => new Markup(jsonOf(value)),
  toRawJson: (value) => new Markup(jsonOf(value)),
  toPrettyJson: (value) => new Markup(JSON.stringify(sorted(value), undefined, 2)),
  fromJson: (text) => read("JSON", textOf(text), JSON.parse),
  toYaml: (value) => new Markup(writeYaml(sorted(value)).replace(/\n$/, "")),
  fromYaml: (text) => read("YAML", textOf(text), readYaml),
  b64enc: (text) => Buffer.from(textOf(text)).toString("base64"),
  b64dec: (text) => Buffer.from(textOf(text), "base64").toString("utf8"),
  sha1sum: (text) => hash("sha1", textOf(text), "hex"),
  sha256sum: (text) => hash("sha256", textOf(text), "hex"),
  sha512sum: (text) => hash("sha512", textOf(text), "hex"),
  adler32sum: (text) => String(adler32(Buffer.from(textOf(text)))),
};

/** JSON as Go writes it: keys in order. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

function sorted(value: unknown): unknown {
  if (value === undefined) return null;
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    sortedKeys(value)
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, sorted(value[key])]),
  );
}

function read(what: string, text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new TemplateError(`"${text.slice(0, 80)}" is not ${what}: ${(error as Error).message.split("\n")[0]}`);
  }
}

function adler32(bytes: Uint8Array): number {
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}
