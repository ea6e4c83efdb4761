import { XebecError } from "@xebec/core-errors";

export type Tree = { [name: string]: unknown };

/**
 * Applies `--set path=value` as istioctl reads it: `values.pilot.traceSampling=1`, `components.ingressGateways[0].enabled=true`; a dot
 * within a name is written `\.`. Values are numbers, true, false, null, or text.
 * @param into is changed
 * @throws XebecError invalid_argument
 */
export function applySet(into: Tree, flag: string): void {
  const at = flag.indexOf("=");
  const path = at <= 0 ? [] : pathOf(flag.slice(0, at));
  if (path.length === 0)
    throw new XebecError("invalid_argument", `--set "${flag}": write PATH=VALUE, for example profile=demo`);
  let node: Tree = into;
  for (const [i, name] of path.slice(0, -1).entries()) {
    const next = node[name];
    if (next === null || typeof next !== "object") node[name] = typeof path[i + 1] === "number" ? [] : {};
    node = node[name] as Tree;
  }
  node[path.at(-1) as string] = valueOfText(flag.slice(at + 1));
}

function pathOf(text: string): (string | number)[] {
  const parts = text.match(/(?:\\.|[^.[\]\\])+|\[\d+\]/g) ?? [];
  return parts.map((part) => (/^\[\d+\]$/.test(part) ? Number(part.slice(1, -1)) : part.replace(/\\(.)/g, "$1")));
}

function valueOfText(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Puts `over` above `under`: maps are joined, everything else is replaced. */
export function merged(under: Tree, over: Tree): Tree {
  const result: Tree = { ...under };
  for (const [name, value] of Object.entries(over))
    result[name] = isTree(value) && isTree(result[name]) ? merged(result[name], value) : value;
  return result;
}

export function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
