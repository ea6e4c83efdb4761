import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp, isName } from "../../rules/names.ts";
import { checkPortName } from "../shared/port-rules.ts";
import type { WorkloadEntrySpec } from "./schema.ts";

/** Longest path of a Unix socket. */
const MAX_SOCKET = 107;

/** Semantic rules of a WorkloadEntry (docs/reference/platform.md §3.11). */
export function checkWorkloadEntry(spec: WorkloadEntrySpec, check: Checker): void {
  const { address = "", network, ports } = spec;
  const at: Path = ["spec", "address"];
  const socket = socketOf(address);
  if (address === "") {
    if (!network) check.fail(at, "is required");
    else check.warn(at, `is empty: only a gateway of the network ${network} can be meant`);
  } else if (socket !== undefined) {
    checkSocket(socket, at, check);
    if (Object.keys(ports ?? {}).length > 0) check.fail(["spec", "ports"], "a Unix socket has no ports");
  } else if (!isIp(address) && !isName(address))
    check.fail(at, `"${address}" is neither an IP address nor a host name`);
  for (const name of Object.keys(ports ?? {})) checkPortName(name, ["spec", "ports", name], check);
  check.labels(spec.labels, ["spec", "labels"]);
}

/** What is behind `unix://`; undefined for another address. */
export function socketOf(address: string): string | undefined {
  return /^unix:\/\/(.*)$/s.exec(address)?.[1];
}

export function checkSocket(socket: string, path: Path, check: Checker): void {
  if (!/^(@.|\/.*[^/]$)/s.test(socket) || Buffer.byteLength(socket) > MAX_SOCKET)
    check.fail(path, `unix:// needs an absolute path of at most ${MAX_SOCKET} bytes`);
}
