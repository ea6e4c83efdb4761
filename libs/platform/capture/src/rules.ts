import { XebecError } from "@xebec/core-errors";
import type { CaptureOptions } from "./config.ts";

export type Family = 4 | 6;
type Table = "mangle" | "nat" | "raw";

/** One rule; `insert` puts it at that place of its chain, instead of at its end. */
export interface Rule {
  readonly table: Table;
  readonly chain: string;
  readonly insert?: number;
  readonly match: readonly string[];
}

/** What decides about the rules, beside the flags. */
export interface CaptureFacts {
  readonly family: Family;
  /** The DNS servers of /etc/resolv.conf, of this family. */
  readonly nameservers: readonly string[];
}

const BUILT_IN: ReadonlySet<string> = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);
const LOOPBACK_SOURCE = { 4: "127.0.0.6/32", 6: "::6/128" } as const;
const DNS_PORT = 15_053;
/** Of the proxy's own packets to its pod, with TPROXY. */
const OUT_MARK = "1338";
const MOST_GROUPS = 64;

/**
 * The rules that take a pod's traffic to its proxy (docs/reference/platform.md §5.2), in the order in which they count.
 * @throws XebecError invalid_argument for flags that contradict each other
 */
export function captureRules(options: CaptureOptions, facts: CaptureFacts): Rule[] {
  const rules: Rule[] = [];
  const add = (table: Table, chain: string, ...match: readonly string[]): void => {
    rules.push({ table, chain, match });
  };
  const insert = (table: Table, chain: string, at: number, ...match: readonly string[]): void => {
    rules.push({ table, chain, insert: at, match });
  };
  const o = read(options, facts.family);
  const source = LOOPBACK_SOURCE[facts.family];

  for (const each of o.excludedInterfaces) {
    for (const table of o.tproxy ? (["mangle", "nat"] as const) : (["nat"] as const)) {
      add(table, "PREROUTING", "-i", each, "-j", "RETURN");
      add(table, "OUTPUT", "-o", each, "-j", "RETURN");
    }
  }
  for (const each of o.virtualInterfaces) insert("nat", "PREROUTING", 1, "-i", each, "-j", "RETURN");
  if (options["drop-invalid"]) {
    add("mangle", "PREROUTING", "-m", "conntrack", "--ctstate", "INVALID", "-j", "ISTIO_DROP");
    add("mangle", "ISTIO_DROP", "-j", "DROP");
  }
  add("nat", "ISTIO_INBOUND", "-p", "tcp", "--dport", String(options["inbound-tunnel-port"]), "-j", "RETURN");
  add("nat", "ISTIO_REDIRECT", "-p", "tcp", "-j", "REDIRECT", "--to-ports", String(options["envoy-port"]));
  add("nat", "ISTIO_IN_REDIRECT", "-p", "tcp", "-j", "REDIRECT", "--to-ports", String(options["inbound-capture-port"]));
  inbound(o, options, add);

  add("nat", "OUTPUT", "-j", "ISTIO_OUTPUT");
  for (const port of o.excludedOutboundPorts)
    for (const protocol of ["tcp", "udp"]) add("nat", "ISTIO_OUTPUT", "-p", protocol, "--dport", port, "-j", "RETURN");
  add("nat", "ISTIO_OUTPUT", "-o", "lo", "-s", source, "-j", "RETURN");
  outboundOwners(o, options, add);
  if (options["redirect-dns"]) dns(o, options, facts, add);
  add("nat", "ISTIO_OUTPUT", "-d", o.loopback, "-j", "RETURN");
  for (const each of o.excludedRanges) add("nat", "ISTIO_OUTPUT", "-d", each, "-j", "RETURN");
  for (const port of o.outboundPorts) add("nat", "ISTIO_OUTPUT", "-p", "tcp", "--dport", port, "-j", "ISTIO_REDIRECT");
  if (o.allRanges) {
    add("nat", "ISTIO_OUTPUT", "-p", "tcp", "-j", "ISTIO_REDIRECT");
    for (const each of o.virtualInterfaces)
      insert("nat", "PREROUTING", 1, "-i", each, "-p", "tcp", "-j", "ISTIO_REDIRECT");
  } else
    for (const range of o.ranges) {
      for (const each of o.virtualInterfaces)
        insert("nat", "PREROUTING", 1, "-i", each, "-p", "tcp", "-d", range, "-j", "ISTIO_REDIRECT");
      add("nat", "ISTIO_OUTPUT", "-p", "tcp", "-d", range, "-j", "ISTIO_REDIRECT");
    }
  if (o.tproxy && o.inbound) tproxyMarks(o, add);
  if (o.tproxy && o.inbound) {
    insert("mangle", "ISTIO_INBOUND", 1, "-p", "tcp", "-m", "mark", "--mark", o.mark, "-j", "RETURN");
    insert("mangle", "ISTIO_INBOUND", 2, "-p", "tcp", "-s", source, "-i", "lo", "-j", "RETURN");
    insert(
      "mangle",
      "ISTIO_INBOUND",
      3,
      "-p",
      "tcp",
      "-i",
      "lo",
      "-m",
      "mark",
      "!",
      "--mark",
      OUT_MARK,
      "-j",
      "RETURN",
    );
  }
  return rules;
}

type Add = (table: Table, chain: string, ...match: readonly string[]) => void;
type Settings = ReturnType<typeof read>;

function read(options: CaptureOptions, family: Family) {
  const words = (text: string): string[] =>
    text
      .split(",")
      .map((each) => each.trim())
      .filter(Boolean);
  const ofFamily = (range: string): boolean => range.includes(":") === (family === 6);
  const users = words(options["proxy-uid"] || "1337");
  const include = options["outbound-owner-groups"];
  const excludedGroups = words(options["outbound-owner-groups-exclude"]);
  const groups = include === "*" ? [] : words(include);
  if (groups.length > 0 && excludedGroups.length > 0)
    throw new XebecError(
      "invalid_argument",
      "outbound-owner-groups and outbound-owner-groups-exclude exclude each other",
    );
  if (Math.max(groups.length, excludedGroups.length) > MOST_GROUPS)
    throw new XebecError("invalid_argument", `at most ${MOST_GROUPS} owner groups can be named`);
  const excludedRanges = words(options["istio-service-exclude-cidr"]);
  if (excludedRanges.includes("*"))
    throw new XebecError(
      "invalid_argument",
      "istio-service-exclude-cidr cannot be *; leave istio-service-cidr empty instead",
    );
  const inbound = options["istio-inbound-ports"].trim();
  const ranges = words(options["istio-service-cidr"]);
  const mode = options["istio-inbound-interception-mode"].toUpperCase();
  if (!["", "REDIRECT", "TPROXY", "NONE"].includes(mode))
    throw new XebecError("invalid_argument", `istio-inbound-interception-mode is REDIRECT or TPROXY, not ${mode}`);
  return {
    users,
    proxyGroups: words(options["proxy-gid"] || users.join()),
    groups,
    excludedGroups,
    includesAllGroups: include === "*",
    tproxy: mode === "TPROXY",
    inbound,
    inboundPorts: words(inbound),
    excludedInboundPorts: words(options["istio-local-exclude-ports"]),
    excludedInterfaces: words(options["istio-exclude-interfaces"]),
    virtualInterfaces: words(options["kube-virt-interfaces"]),
    excludedOutboundPorts: words(options["istio-local-outbound-ports-exclude"]),
    outboundPorts: words(options["istio-outbound-ports"]),
    allRanges: ranges.includes("*"),
    ranges: ranges.filter((each) => each !== "*" && ofFamily(each)),
    excludedRanges: excludedRanges.filter(ofFamily),
    capturesLoopback: ranges.some((each) => /^(127\.|::1)/.test(each)),
    loopback: family === 4 ? options["outbound-ipv4-loopback-cidr"] : "::1/128",
    mark: String(options["istio-inbound-tproxy-mark"]),
  };
}

function inbound(o: Settings, options: CaptureOptions, add: Add): void {
  if (o.inbound === "") return;
  const table = o.tproxy ? "mangle" : "nat";
  if (o.tproxy) {
    add("mangle", "ISTIO_DIVERT", "-j", "MARK", "--set-mark", o.mark);
    add("mangle", "ISTIO_DIVERT", "-j", "ACCEPT");
    const port = String(options["inbound-capture-port"]);
    add(
      "mangle",
      "ISTIO_TPROXY",
      ...[
        "!",
        "-d",
        o.loopback,
        "-p",
        "tcp",
        "-j",
        "TPROXY",
        "--tproxy-mark",
        `${o.mark}/0xffffffff`,
        "--on-port",
        port,
      ],
    );
  }
  add(table, "PREROUTING", "-p", "tcp", "-j", "ISTIO_INBOUND");
  const known = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ISTIO_DIVERT"];
  if (o.inbound === "*") {
    for (const port of o.excludedInboundPorts)
      add(table, "ISTIO_INBOUND", "-p", "tcp", "--dport", port, "-j", "RETURN");
    if (o.tproxy) {
      add("mangle", "ISTIO_INBOUND", "-p", "tcp", ...known);
      add("mangle", "ISTIO_INBOUND", "-p", "tcp", "-j", "ISTIO_TPROXY");
    } else add("nat", "ISTIO_INBOUND", "-p", "tcp", "-j", "ISTIO_IN_REDIRECT");
    return;
  }
  for (const port of o.inboundPorts)
    if (o.tproxy) {
      add("mangle", "ISTIO_INBOUND", "-p", "tcp", "--dport", port, ...known);
      add("mangle", "ISTIO_INBOUND", "-p", "tcp", "--dport", port, "-j", "ISTIO_TPROXY");
    } else add("nat", "ISTIO_INBOUND", "-p", "tcp", "--dport", port, "-j", "ISTIO_IN_REDIRECT");
}

/** Traffic of the proxy itself: to its own pod it comes in again, all other is left alone. */
function outboundOwners(o: Settings, options: CaptureOptions, add: Add): void {
  const dnsToo = options["redirect-dns"];
  const tunnel = String(options["inbound-tunnel-port"]);
  const owners = [
    ...o.users.map((id) => ({ flag: "--uid-owner", id, byUser: true })),
    ...o.proxyGroups.map((id) => ({ flag: "--gid-owner", id, byUser: false })),
  ];
  for (const { flag, id, byUser } of owners) {
    const ports = dnsToo && byUser ? ["-m", "multiport", "!", "--dports", `53,${tunnel}`] : ["!", "--dport", tunnel];
    add(
      "nat",
      "ISTIO_OUTPUT",
      ...["-o", "lo", "!", "-d", o.loopback, "-p", "tcp", ...ports, "-m", "owner", flag, id, "-j", "ISTIO_IN_REDIRECT"],
    );
    if (!o.capturesLoopback)
      add(
        "nat",
        "ISTIO_OUTPUT",
        ...(dnsToo ? ["-o", "lo", "-p", "tcp", "!", "--dport", "53"] : ["-o", "lo"]),
        ...["-m", "owner", "!", flag, id, "-j", "RETURN"],
      );
    add("nat", "ISTIO_OUTPUT", "-m", "owner", flag, id, "-j", "RETURN");
  }
  if (!o.includesAllGroups)
    add(
      "nat",
      "ISTIO_OUTPUT",
      ...o.groups.flatMap((id) => ["-m", "owner", "!", "--gid-owner", id]),
      ...["-j", "RETURN"],
    );
  for (const id of o.excludedGroups) add("nat", "ISTIO_OUTPUT", "-m", "owner", "--gid-owner", id, "-j", "RETURN");
}

function dns(o: Settings, options: CaptureOptions, { nameservers }: CaptureFacts, add: Add): void {
  const servers = options["capture-all-dns"]
    ? [[]]
    : nameservers.map((each) => ["-d", `${each}/${each.includes(":") ? 128 : 32}`]);
  add("nat", "ISTIO_OUTPUT", "-j", "ISTIO_OUTPUT_DNS");
  for (const protocol of ["tcp", "udp"])
    for (const server of servers)
      add(
        "nat",
        "ISTIO_OUTPUT_DNS",
        ...["-p", protocol, "--dport", "53", ...server, "-j", "REDIRECT", "--to-port", String(DNS_PORT)],
      );
  // The two directions are connections of their own, so that their ports do not meet.
  const zone = (chain: string, match: readonly string[], number: number): void =>
    add("raw", chain, "-p", "udp", ...match, "-j", "CT", "--zone", String(number));
  add("raw", "OUTPUT", "-j", "ISTIO_OUTPUT_DNS");
  add("raw", "PREROUTING", "-j", "ISTIO_INBOUND");
  const owners = [
    ...o.users.map((id) => ["-m", "owner", "--uid-owner", id]),
    ...o.proxyGroups.map((id) => ["-m", "owner", "--gid-owner", id]),
  ];
  for (const owner of owners) zone("ISTIO_OUTPUT_DNS", ["--dport", "53", ...owner], 1);
  for (const owner of owners) zone("ISTIO_OUTPUT_DNS", ["--sport", String(DNS_PORT), ...owner], 2);
  for (const server of servers) {
    zone("ISTIO_OUTPUT_DNS", ["--dport", "53", ...server], 2);
    zone("ISTIO_INBOUND", ["--sport", "53", ...server.map((each) => (each === "-d" ? "-s" : each))], 1);
  }
}

function tproxyMarks(o: Settings, add: Add): void {
  const mark = ["-p", "tcp", "-m", "mark", "--mark", o.mark];
  add("mangle", "PREROUTING", ...mark, "-j", "CONNMARK", "--save-mark");
  add("mangle", "OUTPUT", "-p", "tcp", "-o", "lo", "-m", "mark", "--mark", o.mark, "-j", "RETURN");
  const owners = [...o.users.map((id) => ["--uid-owner", id]), ...o.proxyGroups.map((id) => ["--gid-owner", id])];
  for (const owner of owners) {
    const leaving = ["!", "-d", o.loopback, "-p", "tcp", "-o", "lo", "-m", "owner", ...owner];
    add("mangle", "OUTPUT", ...leaving, "-j", "MARK", "--set-mark", OUT_MARK);
  }
  add("mangle", "OUTPUT", "-p", "tcp", "-m", "connmark", "--mark", o.mark, "-j", "CONNMARK", "--restore-mark");
}

/** The rules as `iptables-restore --noflush` reads them. */
export function restoreInput(rules: readonly Rule[]): string {
  const lines: string[] = [];
  for (const table of ["mangle", "nat", "raw"] as const) {
    const own = rules.filter((each) => each.table === table);
    if (own.length === 0) continue;
    lines.push(`* ${table}`);
    for (const chain of chainsOf(own)) lines.push(`-N ${chain}`);
    for (const { chain, insert, match } of own)
      lines.push(`${insert === undefined ? `-A ${chain}` : `-I ${chain} ${insert}`} ${match.join(" ")}`);
    lines.push("COMMIT");
  }
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

/** The chains of rules that have to be made, jump targets too, in the order in which they are named. */
export function chainsOf(rules: readonly Rule[]): string[] {
  const named = rules.flatMap(({ chain, match }) => {
    const jump = match[match.indexOf("-j") + 1] as string;
    return jump.startsWith("ISTIO_") ? [chain, jump] : [chain];
  });
  return [...new Set(named)].filter((each) => !BUILT_IN.has(each));
}

export function isBuiltIn(chain: string): boolean {
  return BUILT_IN.has(chain);
}
