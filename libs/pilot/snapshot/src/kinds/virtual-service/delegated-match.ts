import type { HttpMatch } from "@xebec/model-resources";

// How the matches of a rule that delegates and of a delegate's rule become one (docs/reference/pilot.md §3.1, Delegates).

type Text = NonNullable<HttpMatch["uri"]>;

const TEXTS = ["uri", "scheme", "method", "authority"] as const;
const MAPS = ["headers", "withoutHeaders", "queryParams"] as const;
const VALUES = ["port", "sourceNamespace", "statPrefix"] as const;

/**
 * The matches of both: each pair in which the delegate's is narrower.
 * @returns an empty list for any request; undefined when some match of the delegate fits in none of the root's
 */
export function mergedMatches(root: readonly HttpMatch[], own: readonly HttpMatch[]): readonly HttpMatch[] | undefined {
  if (root.length === 0) return own;
  if (own.length === 0) return root;
  const pairs = own.map((each) => root.filter((wide) => isNarrower(each, wide)).map((wide) => mergedMatch(wide, each)));
  return pairs.some((list) => list.length === 0) ? undefined : pairs.flat();
}

function mergedMatch(root: HttpMatch, own: HttpMatch): HttpMatch {
  const merged: Record<string, unknown> = { ...own };
  for (const field of [...TEXTS, ...VALUES]) if (!own[field] && root[field]) merged[field] = root[field];
  for (const field of [...MAPS, "sourceLabels"] as const)
    if (own[field] ?? root[field]) merged[field] = { ...root[field], ...own[field] };
  if (!own.gateways?.length && root.gateways) merged.gateways = root.gateways;
  const name = [root.name, own.name].filter(Boolean).join("-");
  if (name) merged.name = name;
  return merged as HttpMatch;
}

/** True when a delegate's match says nothing that the root's excludes. */
function isNarrower(own: HttpMatch, root: HttpMatch): boolean {
  return (
    TEXTS.every((field) => fits(own[field], root[field])) &&
    MAPS.every((field) => Object.entries(own[field] ?? {}).every(([name, text]) => fits(text, root[field]?.[name]))) &&
    (own.ignoreUriCase ?? false) === (root.ignoreUriCase ?? false) &&
    isSame(own.port, root.port) &&
    isSame(own.sourceNamespace, root.sourceNamespace) &&
    Object.entries(own.sourceLabels ?? {}).every(([name, value]) => isSame(value, root.sourceLabels?.[name])) &&
    (!own.gateways?.length || !root.gateways?.length || own.gateways.every((each) => root.gateways?.includes(each)))
  );
}

function isSame(own: unknown, root: unknown): boolean {
  return !own || !root || own === root;
}

/** True when every text that fits `own` fits `root`; a regular expression fits nothing, because nobody can tell. */
function fits(own: Text | undefined, root: Text | undefined): boolean {
  if (!own || !root) return true;
  if (own.regex || root.regex) return false;
  if (root.exact) return own.exact === root.exact;
  return root.prefix ? (own.prefix || own.exact || "").startsWith(root.prefix) : false;
}
