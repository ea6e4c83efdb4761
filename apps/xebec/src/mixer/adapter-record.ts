import { createWriteStream } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { durationMs } from "@xebec/mixer-sdk";
import { MONITORING_PORT, replicaOf } from "@xebec/platform-local";
import { meshContext } from "../mesh-context.ts";

export interface RecordFlags {
  readonly output: string;
  readonly from: "mixer-telemetry" | "mixer-policy";
  readonly monitoring?: readonly string[];
  readonly count: number;
  readonly duration: string;
  readonly size: number;
  readonly match?: string;
  readonly redact?: readonly string[];
  readonly withSecrets?: boolean;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const HEAD_MS = 10_000;

/** `xebec adapter record`: attributes of requests, of all copies of a service, until a limit is reached or SIGINT. @returns 1 when none came */
export async function adapterRecord(flags: RecordFlags): Promise<number> {
  const { count, duration, size, match, redact = [], withSecrets = false, output } = flags;
  const addresses = await addressesOf(flags);
  const body = JSON.stringify({
    ...{ count, seconds: durationMs(duration) / 1000, bytes: size, redact, secrets: withSecrets },
    ...(match === undefined ? {} : { match }),
  });
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  // All are asked before anything is written: a wrong expression leaves the file of before.
  const sources = await Promise.all(addresses.map((each) => open(each, body, interrupted.signal)));
  const file = output === "-" ? process.stdout : createWriteStream(output, { mode: 0o600 });
  let left = count;
  let room = size;
  let why: string = "it was interrupted";
  const take = (line: string): void => {
    const { end } = JSON.parse(line) as { readonly end?: keyof typeof REASONS };
    if (end !== undefined) {
      why = REASONS[end];
      return;
    }
    if (left === 0) return;
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) why = REASONS.bytes;
    else {
      file.write(`${line}\n`);
      left--;
      if (left === 0) why = REASONS.count;
    }
    if (room < 0 || left === 0) interrupted.abort();
  };
  await Promise.all(sources.map((each) => linesOf(each, take, interrupted.signal)));
  process.off("SIGINT", interrupt);
  if (file !== process.stdout) await new Promise<void>((done) => file.end(done));
  const written = count - left;
  process.stderr.write(`${written} request${written === 1 ? "" : "s"} in ${output}: ${why}\n`);
  return written > 0 ? 0 : 1;
}

const REASONS = {
  count: "that is --count",
  seconds: "--duration is over",
  bytes: "no more fits into --size",
} as const;

async function addressesOf({ from, monitoring }: RecordFlags): Promise<Address[]> {
  if (monitoring) return monitoring.map((each) => parseAddress(each) as Address);
  const { mesh } = await meshContext();
  const found = (mesh?.processes ?? []).filter(({ name }) => replicaOf(name)?.component === from);
  const hosts = found.flatMap(({ addresses }) => addresses[0] ?? []);
  if (hosts.length > 0) return hosts.map((host) => ({ host, port: MONITORING_PORT }));
  throw new XebecError(
    "unavailable",
    `no ${from} of a mesh runs on this machine; --monitoring names the address of its monitoring port`,
  );
}

function open({ host, port }: Address, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const where = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new XebecError("unavailable", `${where} cannot be asked: ${why}`));
    const headers = { "content-type": "application/json" };
    const call = request({ host, port, path: "/debug/record", method: "POST", headers });
    // Not by the option of `request`: that makes an error of the socket's, which nobody hears.
    signal.addEventListener("abort", () => call.destroy(), { once: true });
    const late = setTimeout(() => call.destroy(new Error("it does not answer")), HEAD_MS);
    call.on("error", (error) => fail(error.message));
    call.on("response", (response) => {
      clearTimeout(late);
      if (response.statusCode === 200) {
        response.on("error", () => undefined);
        resolve(response);
        return;
      }
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => fail(`${response.statusCode}: ${Buffer.concat(parts).toString().slice(0, 2_000)}`));
    });
    call.end(body);
  });
}

/** Reads lines until the end, or until it is interrupted. @throws XebecError unavailable when the service goes away */
async function linesOf(source: IncomingMessage, take: (line: string) => void, signal: AbortSignal): Promise<void> {
  let ended = false;
  let rest = "";
  try {
    for await (const part of source.setEncoding("utf8")) {
      const lines = (rest + part).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        take(line);
        ended ||= line.startsWith('{"end"');
        if (signal.aborted) return;
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new XebecError("unavailable", `the service went away: ${(error as Error).message}`);
  }
  if (!ended && !signal.aborted) throw new XebecError("unavailable", "the service went away");
}
