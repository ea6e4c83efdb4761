import { ACCESS, BUS_USERS, type BusUser } from "@xebec/model-bus";
import type { FactTable } from "../results.ts";

/** What a process holds besides its rights on the bus, and what somebody with it could do. From docs/citadel.md and the charts. */
const HOLDS: Readonly<Partial<Record<BusUser, readonly [holds: string, could: string]>>> = {
  citadel: ["the key of the root certificate, the key that signs tokens", "become any workload of the mesh"],
  galley: ["the right to read all configuration and Secrets of gateways", "change any route and policy"],
  pilot: ["the certificates and keys of gateways", "lead any proxy anywhere, and read what gateways' keys protect"],
  "sidecar-injector": ["the certificate of its webhook", "change every pod that is created"],
  "mixer-policy": ["secrets of its handlers", "let through what policy denies"],
  "mixer-telemetry": ["secrets of its handlers", "read and forge metrics and logs"],
  supervisor: [
    "on a laptop only: all of it, since it starts everybody",
    "everything; a cluster has the kubelet in its place",
  ],
};

/** Who may do what: from the table that the bus enforces. In the monolith one process has all of it. */
export function trustTable(): FactTable {
  const rows = BUS_USERS.map((user) => {
    const { read, write, send } = ACCESS[user];
    const [holds = "", could = ""] = HOLDS[user] ?? [];
    return [user, write.join(", ") || "–", read.join(", ") || "–", send.length, holds, could];
  });
  const services = BUS_USERS.filter((user) => user !== "supervisor");
  const buckets = (of: "read" | "write"): string =>
    [...new Set(services.flatMap((user) => ACCESS[user][of]))].sort().join(", ");
  return {
    title: "What each process may do, and what somebody could do who has taken it over",
    about:
      "Rights on the bus are those that the server enforces. In the monolith there is one process, and it has the union: the last row.",
    columns: ["process", "writes buckets", "reads buckets", "subjects it sends on", "holds besides", "could"],
    rows: [
      ...rows,
      ["monolith", buckets("write"), buckets("read"), "all, in the process", "all of it", "all of it, at once"],
    ],
  };
}
