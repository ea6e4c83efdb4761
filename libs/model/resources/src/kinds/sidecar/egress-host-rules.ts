import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel } from "../../rules/names.ts";

/** Rules of the hosts of an egress listener: `NAMESPACE/HOST` (docs/reference/pilot.md §3.5). */
export function checkEgressHosts(hosts: readonly string[], path: Path, check: Checker): void {
  const byNamespace = new Map<string, Set<string>>();
  for (const [i, text] of hosts.entries()) {
    const at = [...path, i];
    const slash = text.indexOf("/");
    if (slash < 0) {
      check.fail(at, `"${text}" has no namespace; write ./${text} or */${text}`);
      continue;
    }
    const namespace = text.slice(0, slash);
    const host = text.slice(slash + 1);
    if (!["*", ".", "~"].includes(namespace) && !isLabel(namespace))
      check.fail(at, `"${namespace}" is not a namespace; write NAMESPACE/HOST, ./HOST, */HOST or ~/*`);
    check.host(host, at);
    if (host.includes("*") && host !== "*" && !host.startsWith("*."))
      check.fail(at, `"${host}" has a wildcard for a part of a label; write *. and a domain`);
    const own = namespace === "." ? check.namespace : namespace;
    const known = byNamespace.get(own) ?? new Set();
    if (known.has(host) || known.has("*") || (host === "*" && known.size > 0))
      check.warn(at, `"${text}" is covered twice`);
    byNamespace.set(own, known.add(host));
  }
  if (byNamespace.get("*")?.has("*") && byNamespace.size > 1)
    check.warn(path, "*/* covers everything; the other hosts add nothing");
}
