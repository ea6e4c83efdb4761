import type { Analyzer } from "./analyzer.ts";
import { ANALYZERS } from "./analyzers/registry.ts";
import { MESSAGE_TYPES, type Message, type MessageName } from "./message.ts";
import type { AnalyzedObject } from "./object.ts";
import { World } from "./world.ts";

export interface AnalyzeOptions {
  /** `IST0101=VirtualService reviews.default`, with `*` for any part of a name: findings that are left out. */
  readonly suppress?: readonly string[];
  /** Names of the analyzers to run; when absent all but those that run only by name. */
  readonly analyzers?: readonly string[];
  /** Only objects of this namespace, and those without one, are reported of. */
  readonly namespace?: string;
}

const SUPPRESS_ANNOTATION = "galley.istio.io/analyze-suppress";

/**
 * Looks for mistakes that concern several objects, or that validation lets pass (docs/reference/pilot.md §8.3).
 * @param objects everything that is known; those of other groups are passed over
 * @returns findings in the order of the objects, those of one object by line and code
 */
export function analyze(objects: readonly AnalyzedObject[], options: AnalyzeOptions = {}): Message[] {
  const world = new World(objects);
  const found: Message[] = [];
  for (const analyzer of chosen(options.analyzers))
    analyzer.analyze(world, (name, object, text, path = []) => found.push(messageOf(name, object, text, path)));
  return inOrder(found, objects).filter((message) => isWanted(message, options));
}

/** A finding of somebody else's, such as the validation of an object. */
export function messageOf(
  name: MessageName,
  object: AnalyzedObject,
  text: string,
  path: readonly (string | number)[] = [],
): Message {
  const [code, level] = MESSAGE_TYPES[name];
  return { code, level, name, object, path, text };
}

/** Whether a finding is to be shown. */
export function isWanted({ code, object }: Message, { suppress = [], namespace }: AnalyzeOptions): boolean {
  if (object.isContext) return false;
  if (namespace !== undefined && object.namespace !== "" && object.namespace !== namespace) return false;
  const own = (object.annotations[SUPPRESS_ANNOTATION] ?? "").split(",").map((each) => each.trim());
  if (own.includes("*") || own.includes(code)) return false;
  const name = resourceName(object);
  return !suppress.some((each) => {
    const [suppressed, pattern = ""] = each.split(/=(.*)/s);
    return suppressed === code && matches(pattern, name);
  });
}

/** `VirtualService reviews.default`, as Istio names an object in findings. */
export function resourceName({ kind, name, namespace }: AnalyzedObject): string {
  return `${kind} ${name}${namespace ? `.${namespace}` : ""}`;
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  const [first = "", ...rest] = parts;
  const last = rest.pop() ?? "";
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const next = name.indexOf(part, at);
    if (next === -1) return false;
    at = next + part.length;
  }
  return at <= name.length - last.length;
}

function chosen(names: readonly string[] | undefined): readonly Analyzer[] {
  return names
    ? ANALYZERS.filter(({ name }) => names.includes(name))
    : ANALYZERS.filter(({ onlyByName }) => !onlyByName);
}

/** By the place of the object, and within it by line and code. */
function inOrder(messages: readonly Message[], objects: readonly AnalyzedObject[]): Message[] {
  const place = new Map(objects.map((object, i) => [object, i]));
  return sorted(
    messages,
    ({ object }) => place.get(object) ?? 0,
    ({ object, path }) => object.lineOf?.(path) ?? 0,
    ({ code }) => code,
  );
}

function sorted<T>(items: readonly T[], ...keys: readonly ((item: T) => string | number)[]): T[] {
  const compare = (a: T, b: T): number => {
    for (const key of keys) {
      const [left, right] = [key(a), key(b)];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };
  return items.toSorted(compare);
}
