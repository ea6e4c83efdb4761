import { backoff } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type ChannelTarget, createGrpcChannel, type GrpcChannel } from "@xebec/platform-grpc";
import { DELTA_METHOD, DELTA_REQUEST, encodedNode, status } from "../extensions/pilot-messages.ts";
import { field } from "../extensions/wire.ts";
import type { EnvoyNode } from "../node.ts";

const log = logger("health");
const TYPE = "type.googleapis.com/istio.v1.HealthInformation";
const RETRY = { baseMs: 100, maxMs: 5_000 };

/** What pilot is to know of a workload's health. */
export interface HealthReports extends Component {
  /** @param problem undefined: the workload is healthy */
  report(problem: string | undefined): void;
}

/**
 * Tells pilot whether the workload is healthy, as Istio's agents do: a request of this type, with an error when it is not. The stream is
 * the agent's own; it begins with the first report, and the last one is repeated when it is opened again.
 */
export function createHealthReports(target: ChannelTarget, node: EnvoyNode): HealthReports {
  let channel: GrpcChannel | undefined;
  let stream: ReturnType<GrpcChannel["duplex"]> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let last: { readonly problem: string | undefined } | undefined;
  let closed = false;
  const send = (withNode: boolean): void => {
    if (!last) return;
    const { problem } = last;
    stream?.write(
      Buffer.concat([
        ...(withNode ? [field(DELTA_REQUEST.node, encodedNode(node))] : []),
        field(DELTA_REQUEST.typeUrl, TYPE),
        ...(problem === undefined ? [] : [field(DELTA_REQUEST.error, status(problem))]),
      ]),
    );
  };
  const open = (): void => {
    timer = undefined;
    if (closed) return;
    channel ??= createGrpcChannel(target);
    const opened = channel.duplex(DELTA_METHOD);
    stream = opened;
    const since = performance.now();
    opened.onEnd((error) => {
      if (stream !== opened) return;
      stream = undefined;
      if (closed) return;
      if (performance.now() - since > RETRY.maxMs) failures = 0;
      log.warn({ err: error }, "the stream to pilot ended; it is opened again");
      timer = setTimeout(open, backoff(failures++, RETRY)).unref();
    });
    send(true);
  };
  return {
    name: "health reports",
    async start() {},
    report(problem) {
      last = { problem };
      if (stream) send(false);
      else if (!timer) open();
    },
    async close() {
      // Nobody is to call a workload that is about to end.
      if (stream && last && last.problem === undefined) this.report("the workload ends");
      closed = true;
      clearTimeout(timer);
      stream?.end();
      stream = undefined;
      channel?.close();
    },
  };
}
