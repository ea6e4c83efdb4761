import { protocolByName } from "@xebec/model-names";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp, isLabel, isName } from "../../rules/names.ts";
import { checkSocket, socketOf } from "../workload-entry/rules.ts";
import type { ServiceEntrySpec } from "./schema.ts";

/** Semantic rules of a ServiceEntry (docs/reference/platform.md §3.11). */
export function checkServiceEntry(spec: ServiceEntrySpec, check: Checker): void {
  const resolution = spec.resolution ?? "NONE";
  const endpoints = spec.endpoints ?? [];
  const isDns = resolution === "DNS" || resolution === "DNS_ROUND_ROBIN";
  for (const [i, host] of spec.hosts.entries()) {
    if (host === "*") check.fail(["spec", "hosts", i], "* would take every host; name the hosts");
    check.host(host, ["spec", "hosts", i]);
    if (host.includes("*") && !host.startsWith("*."))
      check.warn(["spec", "hosts", i], `"${host}" is a wildcard for a part of a label, which few proxies match`);
    if (isDns && endpoints.length === 0 && !isName(host))
      check.fail(["spec", "hosts", i], `"${host}" cannot be looked up: a wildcard needs endpoints, or resolution NONE`);
  }
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    const path = ["spec", "ports", i];
    if (!isLabel(port.name))
      check.fail([...path, "name"], `"${port.name}" is not a name: letters, digits and - are allowed`);
    if (names.has(port.name)) check.fail([...path, "name"], `the port name "${port.name}" is used twice`);
    if (numbers.has(port.number)) check.fail([...path, "number"], `port ${port.number} is set twice`);
    names.add(port.name);
    numbers.add(port.number);
    if (port.protocol && !protocolByName(port.protocol))
      check.fail([...path, "protocol"], `"${port.protocol}" is not a protocol`);
    if (resolution === "NONE" && !spec.addresses?.length && (port.protocol || "TCP") === "TCP")
      check.warn(
        [...path, "protocol"],
        "TCP needs addresses: without them this service cannot be distinguished from others",
      );
  }
  checkSharedPorts(spec, check);
  const shares = spec.hosts.length > 1 && (spec.addresses?.length ?? 0) > 0;
  const tcp = spec.ports?.findIndex(({ protocol }) => isTcp(protocol)) ?? -1;
  if (isDns && shares && tcp >= 0)
    check.warn(
      ["spec", "ports", tcp],
      "TCP at an address cannot be distinguished by host; write one ServiceEntry for each",
    );
  check.exportTo(spec.exportTo, ["spec", "exportTo"], { nobody: true });
  for (const [i, address] of (spec.addresses ?? []).entries()) {
    check.subnet(address, ["spec", "addresses", i]);
    if (address.includes("/") && isDns)
      check.fail(["spec", "addresses", i], `a network needs resolution NONE or STATIC, not ${resolution}`);
  }
  if (resolution === "NONE" && endpoints.length > 0)
    check.fail(["spec", "endpoints"], "resolution NONE takes no endpoints");
  checkSelector(spec, check);
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1)
    check.fail(["spec", "endpoints"], "DNS_ROUND_ROBIN takes one endpoint at the most");
  for (const [i, endpoint] of endpoints.entries()) {
    const path = ["spec", "endpoints", i];
    checkAddress(endpoint, spec, path, check);
    check.labels(endpoint.labels, [...path, "labels"]);
    for (const name of Object.keys(endpoint.ports ?? {}))
      if (!names.has(name)) check.fail([...path, "ports", name], `the ServiceEntry has no port "${name}"`);
  }
  const weights = endpoints.reduce((sum, each) => sum + (each.weight ?? 1), 0);
  if (weights > 4_294_967_295) check.fail(["spec", "endpoints"], "the weights are too large together");
}

/** Workloads are selected in place of endpoints that are listed, where endpoints are looked for at all. */
function checkSelector(spec: ServiceEntrySpec, check: Checker): void {
  const { workloadSelector: selector, resolution = "NONE" } = spec;
  const path: Path = ["spec", "workloadSelector"];
  if (!selector) return;
  check.selector(selector.labels ?? {}, [...path, "labels"]);
  if (spec.endpoints?.length) check.fail(path, "cannot be together with endpoints");
  if (resolution !== "STATIC" && resolution !== "DNS")
    check.fail(path, `needs resolution STATIC or DNS, not ${resolution}`);
}

function checkAddress(
  { address = "", network, ports }: NonNullable<ServiceEntrySpec["endpoints"]>[number],
  spec: ServiceEntrySpec,
  path: Path,
  check: Checker,
): void {
  const at = [...path, "address"];
  const isStatic = spec.resolution === "STATIC";
  if (address === "") {
    if (!isStatic || !network) check.fail(at, "is required");
    else check.warn(at, `is empty: only a gateway of the network ${network} can be meant`);
    return;
  }
  const socket = socketOf(address);
  if (!isStatic || socket === undefined) {
    if (!isIp(address) && (isStatic || !isName(address)))
      check.fail(
        at,
        isStatic
          ? `"${address}" is not an IP address, which resolution STATIC needs`
          : `"${address}" is not a host name`,
      );
    return;
  }
  checkSocket(socket, at, check);
  if (Object.keys(ports ?? {}).length > 0) check.fail([...path, "ports"], "a Unix socket has no ports");
  if (spec.ports?.length !== 1) check.fail(at, "a Unix socket needs exactly one port of the ServiceEntry");
}

/** With a name in its protocol a connection says which host it wants; without one, several hosts cannot be distinguished. */
function checkSharedPorts(spec: ServiceEntrySpec, check: Checker): void {
  if (spec.hosts.length < 2 || (spec.resolution ?? "NONE") === "NONE") return;
  for (const [i, port] of (spec.ports ?? []).entries())
    if (!["HTTP", "HTTP2", "GRPC", "GRPC-Web", "HTTPS", "TLS"].includes(protocolByName(port.protocol ?? "") ?? ""))
      check.fail(
        ["spec", "ports", i, "protocol"],
        `${port.protocol || "a port without protocol"} cannot distinguish ${spec.hosts.length} hosts; write one ServiceEntry for each`,
      );
}

/** Protocols whose connections have no name of a host that is looked at. */
function isTcp(text: string | undefined): boolean {
  return ["TCP", "HTTPS", "TLS", "Mongo", "Redis", "MySQL"].includes(protocolByName(text ?? "") ?? "");
}
