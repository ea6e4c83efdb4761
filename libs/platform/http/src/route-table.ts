import { XebecError } from "@xebec/core-errors";

/** A route that a path leads to. */
export interface FoundRoute<V> {
  readonly pattern: string;
  readonly value: V;
  readonly params: Readonly<Record<string, string>>;
}

interface Route<V> {
  readonly method: string;
  readonly pattern: string;
  readonly parts: readonly string[];
  readonly value: V;
}

/** Finds values by method and path; what was added first wins. */
export class RouteTable<V> {
  readonly #routes: Route<V>[] = [];

  /** @throws XebecError internal for a pattern that exists, or is none */
  add(method: string, pattern: string, value: V): void {
    if (!pattern.startsWith("/") || this.#routes.some((each) => each.method === method && each.pattern === pattern))
      throw new XebecError("internal", `${method} ${pattern} is no route, or is there twice`);
    this.#routes.push({ method, pattern, parts: pattern.split("/"), value });
  }

  /**
   * @param path without its query, percent-encoded
   * @throws XebecError invalid_argument for an encoding that cannot be read
   */
  find(method: string, path: string): FoundRoute<V> | undefined {
    const parts = path.split("/").map(decoded);
    for (const { method: own, pattern, parts: wanted, value } of this.#routes) {
      if (own !== method) continue;
      const params = match(wanted, parts);
      if (params) return { pattern, value, params };
    }
    return undefined;
  }
}

function match(wanted: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    if (part === "*") return { ...params, "*": parts.slice(i).join("/") };
    const given = parts[i];
    if (given === undefined) return undefined;
    if (part.startsWith(":") && given !== "") params[part.slice(1)] = given;
    else if (part !== given) return undefined;
  }
  return parts.length === wanted.length ? params : undefined;
}

function decoded(part: string): string {
  try {
    return part.includes("%") ? decodeURIComponent(part) : part;
  } catch (error) {
    throw new XebecError("invalid_argument", `"${part}" in the path is not percent-encoded as it should be`, {
      cause: error,
    });
  }
}
