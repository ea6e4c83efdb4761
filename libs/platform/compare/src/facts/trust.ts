import { ACCESS, ALL_BUCKETS, BUS_USERS, type BusAccess, type BusUser, SIGNED_BUCKETS } from "@xebec/model-bus";
import type { FactTable } from "../results.ts";
import type { Holdings } from "./holdings.ts";

const QUESTION = "What falls into the hands of somebody who takes over one process?";

const BUS = "nats";

/** What each component of each shape holds. */
export type ShapeHoldings = Readonly<Record<string, Readonly<Record<string, Holdings>>>>;

/** A process, as somebody sees it who has taken it over. */
interface Taken {
  readonly users: readonly BusUser[];
  readonly access: BusAccess;
  readonly holdings: Holdings;
}

const writes = ({ access }: Taken, bucket: BusAccess["write"][number]): boolean => access.write.includes(bucket);
/** It is who answers there. */
const serves = ({ users, holdings }: Taken, user: BusUser, ...ports: readonly string[]): boolean =>
  users.includes(user) && ports.some((port) => holdings.ports.includes(port));
const holds = ({ holdings }: Taken, file: RegExp): boolean => holdings.credentials.some((each) => file.test(each));

/**
 * What can be done with a process, and by what right: a bucket that the bus lets it write or read, a port at which others believe it,
 * or a key in its files. Only what it can do itself: what others do in good faith with what it says is not followed further.
 */
const POWERS: readonly { readonly could: string; readonly by: (taken: Taken) => boolean }[] = [
  { could: "become any workload", by: (each) => writes(each, "trust") || holds(each, /citadel\/.*\(private key\)/) },
  { could: "change configuration", by: (each) => writes(each, "config") },
  {
    could: "lead requests elsewhere",
    by: (each) => writes(each, "config") || writes(each, "workloads") || serves(each, "pilot", "15010", "15012"),
  },
  { could: "read gateways' keys", by: ({ access }) => [...access.read, ...access.write].includes("secrets") },
  { could: "change new pods", by: (each) => serves(each, "sidecar-injector", "9443", "15017", "443") },
  { could: "let through what policy denies", by: (each) => serves(each, "mixer-policy", "9091", "15004") },
  { could: "forge metrics and logs", by: (each) => serves(each, "mixer-telemetry", "9091", "15004") },
  {
    could: "feign that objects are in effect",
    by: (each) => writes(each, "status"),
  },
];

/**
 * Who holds what, and what somebody could do who has taken it over: from the rights that the bus' server enforces, and, of the shapes
 * that ran, from their processes.
 */
export function trustTables(shapes: ShapeHoldings): FactTable[] {
  // Only of our own programs it is known what a right or a port is good for.
  const known = Object.entries(shapes).filter(([shape]) => shape !== "istiod");
  const processes = known.flatMap(([shape, components]) =>
    Object.entries(components).map(([name, holdings]) => ({ shape, name, holdings })),
  );
  return [busTable(), ...(processes.length > 0 ? [heldTable(processes), takenTable(processes)] : [])];
}

interface Process {
  readonly shape: string;
  readonly name: string;
  readonly holdings: Holdings;
}

function busTable(): FactTable {
  const services = BUS_USERS.filter((user) => user !== "supervisor");
  const row = (name: string, { write, read, send, receive }: BusAccess) => [
    name,
    write.join(", ") || "–",
    read.join(", ") || "–",
    send.join(", ") || "–",
    receive.join(", ") || "–",
  ];
  return {
    question: QUESTION,
    title: "What each process may do on the bus",
    about:
      "The server of the bus enforces these rights. The monolith has a bus in its memory, which asks nobody; to compare, the last row has " +
      "the rights of all six together. The supervisor exists on a laptop only; a cluster has the kubelet and the API server in its place.",
    columns: ["process", "writes buckets", "reads buckets", "sends on subjects", "listens to subjects"],
    rows: [...BUS_USERS.map((user) => row(user, ACCESS[user])), row("the six together", union(services))],
  };
}

function heldTable(processes: readonly Process[]): FactTable {
  return {
    question: QUESTION,
    title: "What each process holds",
    about:
      "Read while the meshes ran: ports from /proc, and files with private keys, keys of the bus and tokens that the command line of a process " +
      "leads to, below the run directory. On a laptop all processes run as one user: there the system keeps none of them from the files of the others, " +
      "which containers do in a cluster.",
    columns: ["shape", "process", "credentials", "ports", "which"],
    rows: processes.map(({ shape, name, holdings: { ports, credentials } }) => [
      shape,
      name,
      credentials.join(", ") || "–",
      ports.length,
      ports.join(", ") || "–",
    ]),
  };
}

function takenTable(processes: readonly Process[]): FactTable {
  const columns = POWERS.map(({ could }) => could);
  const rows = processes.map(({ shape, name, holdings }) => {
    const users = usersOf(name);
    const taken = { users, access: name === BUS ? accessOfBus(shape) : union(users), holdings };
    return { label: `${name} (${shape})`, has: POWERS.map(({ by }) => by(taken)) };
  });
  return {
    question: QUESTION,
    title: "What somebody could do who has taken over one process",
    about:
      "From the two tables above: by a bucket that the process may write or read, a port at which others believe it, or a key among its files. The server " +
      "of the bus (nats) has what passes through it, but cannot change entries that are signed: those of the bucket trust.",
    columns: ["process", ...columns],
    rows: rows.map(({ label, has }) => [label, ...has.map((each) => (each ? "yes" : "–"))]),
    matrix: { title: "What falls with one process", columns, rows },
  };
}

/** What the server of the bus can read and change: beside the monolith only what the supervisor exchanges with it. */
function accessOfBus(shape: string): BusAccess {
  const { read, write } = ACCESS.supervisor;
  const buckets = shape === "services" ? ALL_BUCKETS : [...write, ...read];
  return { read: buckets, write: buckets.filter((each) => !SIGNED_BUCKETS.includes(each)), send: [], receive: [] };
}

/** The users of the bus whose work a process does. */
function usersOf(name: string): readonly BusUser[] {
  if (name === "istiod") return BUS_USERS.filter((user) => user !== "supervisor");
  return BUS_USERS.filter((user) => user === name || name.startsWith(`${user}-`));
}

function union(users: readonly BusUser[]): BusAccess {
  const all = <K extends "write" | "read" | "send" | "receive">(key: K): BusAccess[K] =>
    [...new Set(users.flatMap((user) => [...ACCESS[user][key]]))].sort() as unknown as BusAccess[K];
  return { write: all("write"), read: all("read"), send: all("send"), receive: all("receive") };
}
