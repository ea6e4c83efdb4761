import { fromBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import type { XdsServer } from "@xebec/pilot-xds-server";
import type { CallContext, GrpcService, RawStream } from "@xebec/platform-grpc";

type Identity = ReturnType<NonNullable<Parameters<XdsServer["service"]>[0]>>;

/** The calls of streams, with who their proxies are. */
const identities = new WeakMap<CallContext, Identity>();

/**
 * Serves xDS as on the port with mutual TLS: each proxy has the identity that its node says, as if its certificate had said so.
 */
export function certified(xds: XdsServer): GrpcService {
  const service = xds.service((call) => identities.get(call) as Identity);
  return {
    methods: service.methods.map((method) => {
      if (method.kind !== "stream") return method;
      const schema = method.path.includes("Delta") ? DeltaDiscoveryRequestSchema : DiscoveryRequestSchema;
      const handler = (stream: RawStream, call: CallContext): void => {
        const identity = { trustDomain: "cluster.local", namespace: "", serviceAccount: "" };
        identities.set(call, identity);
        method.handler(
          noticed(stream, (bytes) => Object.assign(identity, said(schema, bytes))),
          call,
        );
      };
      return { ...method, handler };
    }),
  };
}

/** Who the node of a request says that it is; nothing where a later request of the stream has no node. */
function said(schema: typeof DeltaDiscoveryRequestSchema | typeof DiscoveryRequestSchema, bytes: Buffer): object {
  const { NAMESPACE: namespace, SERVICE_ACCOUNT: serviceAccount } = fromBinary(schema, bytes).node?.metadata ?? {};
  return namespace === undefined ? {} : { namespace: String(namespace), serviceAccount: String(serviceAccount) };
}

/** The same stream, whose messages are seen before their reader gets them. */
function noticed(stream: RawStream, see: (bytes: Buffer) => void): RawStream {
  return new Proxy(stream, {
    get(target, name) {
      if (name === "onMessage")
        return (take: (bytes: Buffer) => void): void =>
          target.onMessage((bytes) => {
            see(bytes);
            take(bytes);
          });
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
