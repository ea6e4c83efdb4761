/** Keys of the path that have a variable with another name. */
const NAMES: Readonly<Record<string, string>> = { cluster: "ISTIO_META_CLUSTER_ID", net: "ISTIO_META_NETWORK" };
const MAX_SETTINGS = 32;

/**
 * What the webhook's path sets: `/inject/cluster/c1/net/n1`, or `/inject/:ENV:cluster=c1:ENV:net=n1` (docs/reference/platform.md §4.1).
 * `--slash--` in a value stands for a slash.
 * @param path without `/inject/`
 * @returns variables of the proxy
 */
export function pathSettings(path: string): Readonly<Record<string, string>> {
  const pairs = path.startsWith(":ENV:")
    ? path
        .split(":ENV:")
        .filter(Boolean)
        .map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)])
    : pairsOf(path.split("/"));
  return Object.fromEntries(
    pairs.slice(0, MAX_SETTINGS).flatMap(([key = "", value = ""]) => {
      const name = Object.hasOwn(NAMES, key) ? (NAMES[key] as string) : key.toUpperCase();
      return /^[A-Z_][A-Z0-9_]*$/.test(name) && value !== "" ? [[name, value.replaceAll("--slash--", "/")]] : [];
    }),
  );
}

function pairsOf(parts: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) pairs.push([parts[at] as string, parts[at + 1] as string]);
  return pairs;
}
