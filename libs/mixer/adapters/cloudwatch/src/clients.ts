import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { MetricDatum, PutMetricDataCommandInput } from "@aws-sdk/client-cloudwatch";
import type { InputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import type { HandlerLimits } from "@xebec/mixer-sdk";
import { guardedLookup } from "@xebec/platform-http/guarded";

export type { InputLogEvent, MetricDatum };

/** What the adapter asks of Amazon's services. */
export interface CloudWatchClients {
  putMetrics(input: PutMetricDataCommandInput, signal: AbortSignal): Promise<void>;
  putLogs(group: string, stream: string, events: readonly InputLogEvent[], signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Amazon's own clients, with the credentials and the region of the environment (variables, the web identity of a service account, the
 * instance). They are loaded when a handler starts: nobody else pays for them.
 * @param endpoint of both services; a test gives its own
 */
export async function createClients(limits: HandlerLimits, endpoint?: string): Promise<CloudWatchClients> {
  const [{ CloudWatchClient, PutMetricDataCommand }, logs, { NodeHttpHandler }] = await Promise.all([
    import("@aws-sdk/client-cloudwatch"),
    import("@aws-sdk/client-cloudwatch-logs"),
    import("@smithy/node-http-handler"),
  ]);
  const lookup = guardedLookup({ refusal: (address) => limits.addressRefusal(address) });
  const requestHandler = new NodeHttpHandler({
    ...{ connectionTimeout: 5_000, requestTimeout: 15_000 },
    httpAgent: new Agent({ keepAlive: true, maxSockets: 4, lookup }),
    httpsAgent: new SecureAgent({ keepAlive: true, maxSockets: 4, lookup }),
  });
  // The delivery tries again by itself.
  const options = { requestHandler, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) };
  const metrics = new CloudWatchClient(options);
  const events = new logs.CloudWatchLogsClient(options);
  return {
    async putMetrics(input, abortSignal) {
      await metrics.send(new PutMetricDataCommand(input), { abortSignal });
    },
    async putLogs(logGroupName, logStreamName, logEvents, abortSignal) {
      // A sequence token is needed no more; the services ignore it.
      await events.send(new logs.PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [...logEvents] }), {
        abortSignal,
      });
    },
    close() {
      metrics.destroy();
      events.destroy();
    },
  };
}
