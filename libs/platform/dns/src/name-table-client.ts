import { create, type JsonObject } from "@bufbuild/protobuf";
import { AggregatedDiscoveryService } from "@xebec/api-envoy/envoy/service/discovery/v3/ads";
import { DiscoveryRequestSchema } from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { backoff, isAbort, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { type ChannelTarget, createGrpcClient } from "@xebec/platform-grpc";

const TYPE_URL = "type.googleapis.com/istio.networking.nds.v1.NameTable";
const RETRY = { baseMs: 100, maxMs: 5_000 };
/** A table of a hundred thousand hosts has half of it. */
const MOST_BYTES = 32 << 20;

const log = logger("dns");

/** Who asks, in the form of Envoy's node. */
export interface AgentNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface NameTableSource {
  /** Pilot. */
  readonly pilot: Pick<ChannelTarget, "address" | "tls">;
  readonly node: AgentNode;
}

/**
 * Follows the table of names of a workload: a stream of its own, in the state-of-the-world form. It is opened again for as long as it
 * takes, and ends with the signal.
 * @param take takes the bytes of a NameTable; what it throws is reported to pilot, and the earlier table stays
 * @param failed called with what keeps the stream from being open
 */
export async function followNameTable(
  { pilot, node }: NameTableSource,
  take: (bytes: Uint8Array) => void,
  failed: (error: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = createGrpcClient({ descriptor: AggregatedDiscoveryService, ...pilot, maxMessageBytes: MOST_BYTES });
  try {
    for (let attempt = 0; !signal.aborted; attempt++) {
      let received = false;
      const error = await new Promise<Error | undefined>((resolve) => {
        const stream = client.streamAggregatedResources({ signal });
        const request = (fields: object): void => {
          stream.write(create(DiscoveryRequestSchema, { typeUrl: TYPE_URL, ...fields }));
        };
        stream.onMessage(({ versionInfo, nonce, resources }) => {
          received = true;
          const answered = { versionInfo, responseNonce: nonce };
          try {
            take(resources[0]?.value ?? new Uint8Array());
            request(answered);
          } catch (failure) {
            log.warn({ err: failure }, "the table of names cannot be read; the earlier one stays");
            request({ responseNonce: nonce, errorDetail: { code: 3, message: String(failure) } });
          }
        });
        stream.onEnd(resolve);
        const metadata = node.metadata as JsonObject;
        request({ node: { id: node.id, cluster: node.cluster, metadata, userAgentName: "pilot-agent" } });
      });
      if (signal.aborted) return;
      if (received) attempt = 0;
      if (error) failed(error);
      await sleep(backoff(attempt, RETRY), signal);
    }
  } catch (error) {
    if (!isAbort(error)) throw error;
  } finally {
    client.close();
  }
}
