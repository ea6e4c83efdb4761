import { type Json, string } from "@xebec/pilot-proxy-config";

/**
 * What a connection manager makes of a path before filters and routes see it (HttpConnectionManager.normalize_path and its neighbours).
 * @returns the path; `rejected` or `redirected` for one with escaped slashes where the manager says so
 */
export function normalizedPath(manager: Json, path: string): { readonly path: string } | "rejected" | "redirected" {
  const [before, query = ""] = splitQuery(path);
  let own = before;
  if (/%2f|%5c/i.test(own)) {
    const action = string(manager.path_with_escaped_slashes_action);
    if (action === "REJECT_REQUEST") return "rejected";
    if (action === "UNESCAPE_AND_REDIRECT") return "redirected";
    if (action === "UNESCAPE_AND_FORWARD") own = own.replaceAll(/%2f/gi, "/").replaceAll(/%5c/gi, "\\");
  }
  if (manager.normalize_path === true) own = canonical(own);
  if (manager.merge_slashes === true) own = own.replaceAll(/\/{2,}/g, "/");
  return { path: own + query };
}

function splitQuery(path: string): [string, string] {
  const at = path.search(/[?#]/);
  return at === -1 ? [path, ""] : [path.slice(0, at), path.slice(at)];
}

/** RFC 3986 section 6: dots are resolved, unreserved characters are decoded, backslashes are slashes. */
function canonical(path: string): string {
  const decoded = path.replaceAll("\\", "/").replaceAll(/%[0-9a-f]{2}/gi, (code) => {
    const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : code;
  });
  const out: string[] = [];
  const parts = decoded.split("/").slice(1);
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    if (part === "..") out.pop();
    if (part !== "." && part !== "..") out.push(part);
    else if (isLast) out.push("");
  }
  return `/${out.join("/")}`;
}
