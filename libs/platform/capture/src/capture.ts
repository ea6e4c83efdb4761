import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { CaptureOptions } from "./config.ts";
import { captureRules, type Family, restoreInput } from "./rules.ts";
import { Tables } from "./tables.ts";
import { isCaptured } from "./validate.ts";

const log = logger("capture");

/** The exit code of Istio's that says: the pod's traffic is not captured. */
export const EXIT_NOT_CAPTURED = 126;

/**
 * Applies, prints, removes or validates the rules, as the flags say.
 * @param print what a dry run shows
 * @returns the exit code
 * @throws XebecError for contradictory flags, or what iptables says
 */
export async function capture(options: CaptureOptions, print: (text: string) => void): Promise<number> {
  const families = familiesOf(options["dual-stack"]);
  if (!options["skip-rule-apply"]) for (const family of families) await applyTo(family, options, print);
  if (!options["run-validation"] || options["dry-run"]) return 0;
  const ports = [options["envoy-port"], options["inbound-capture-port"]];
  const timeoutMs = parseDuration(options["probe-timeout"]);
  if (timeoutMs === undefined)
    throw new XebecError(
      "invalid_argument",
      `probe-timeout: "${options["probe-timeout"]}" is not a duration such as 5s`,
    );
  for (const family of families)
    if (!(await isCaptured(family, ports, options["iptables-probe-port"], timeoutMs))) {
      log.error({ family }, "the traffic of this pod is not captured");
      return EXIT_NOT_CAPTURED;
    }
  log.info("the traffic of this pod is captured");
  return 0;
}

async function applyTo(family: Family, options: CaptureOptions, print: (text: string) => void): Promise<void> {
  const rules = captureRules(options, { family, nameservers: nameservers(family) });
  if (options["dry-run"]) {
    print(restoreInput(rules));
    return;
  }
  const tables = new Tables(family, options["network-namespace"]);
  await tables.choose(options["force-iptables-binary"]);
  if (options["cleanup-only"]) {
    await tables.clean(rules);
    log.info({ family }, "the rules are removed");
    return;
  }
  const found = await tables.compare(rules);
  if (found === "equal" && !options["force-apply"]) {
    log.info({ family }, "the rules are there already");
    return;
  }
  if (found === "different" && !options.reconcile && !options["force-apply"])
    log.warn(
      { family },
      "there are other rules of Istio's; they are kept in front of the new ones, --reconcile replaces them",
    );
  if (found !== "none") await tables.clean(rules);
  if (options["istio-inbound-interception-mode"].toUpperCase() === "TPROXY" && options["istio-inbound-ports"] !== "") {
    const version = family === 6 ? ["-6"] : [];
    const table = String(options["istio-inbound-tproxy-route-table"]);
    await tables.ip([
      ...version,
      "rule",
      "add",
      "fwmark",
      String(options["istio-inbound-tproxy-mark"]),
      "lookup",
      table,
    ]);
    await tables.ip([...version, "route", "add", "local", "default", "dev", "lo", "table", table]);
  }
  // The proxy's calls to its own pod come from there.
  if (family === 6) await tables.ip(["-6", "addr", "add", "::6/128", "dev", "lo"]);
  await tables.apply(restoreInput(rules));
  log.info({ family, rules: rules.length }, "the traffic of this pod goes through its proxy");
}

/** IPv4 always; IPv6 when the first address of the pod is one, with two stacks when any is. */
function familiesOf(dualStack: boolean): Family[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ internal, address }) => !internal && !address.startsWith("fe80:")),
  );
  const isSix = (each: { family: string } | undefined): boolean => each?.family === "IPv6";
  const six = dualStack ? addresses.some(isSix) : isSix(addresses[0]);
  return six ? [4, 6] : [4];
}

function nameservers(family: Family): string[] {
  let text: string;
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((each) => each.includes(":") === (family === 6));
}
