import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { ListenerFilterSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import { ProxyProtocolSchema } from "@xebec/api-envoy/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { TYPE_URL } from "@xebec/pilot-xds-gen";
import type { CallContext, GrpcService, RawStream } from "@xebec/platform-grpc";

const header = create(ListenerFilterSchema, {
  name: "envoy.filters.listener.proxy_protocol",
  configType: { case: "typedConfig", value: anyOf(ProxyProtocolSchema, {}) },
});

/**
 * Serves xDS as `service` does, but for the two listeners of captured traffic: without iptables the address that a client meant
 * comes in PROXY's header, and they bind the proxy's own address, so that several proxies have room in one namespace. All else
 * is what the server sent, to the byte.
 */
export function withoutIptables(service: GrpcService): GrpcService {
  return {
    methods: service.methods.map((method) =>
      method.kind === "stream"
        ? {
            ...method,
            handler: (stream: RawStream, call: CallContext) =>
              method.handler(translated(stream, method.path.includes("/Delta")), call),
          }
        : method,
    ),
  };
}

function translated(stream: RawStream, delta: boolean): RawStream {
  let address = "";
  return new Proxy(stream, {
    get(target, name) {
      if (name === "onMessage")
        return (handler: (bytes: Buffer) => void): void =>
          target.onMessage((bytes) => {
            address ||= /sidecar~([\d.]+)~/.exec(bytes.toString("latin1"))?.[1] ?? "";
            handler(bytes);
          });
      if (name === "write")
        return (bytes: Uint8Array, handed?: () => void): boolean =>
          target.write((delta ? withHeaderInDelta : withHeader)(bytes, address), handed);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function withHeader(bytes: Uint8Array, address: string): Uint8Array {
  const response = fromBinary(DiscoveryResponseSchema, bytes);
  if (response.typeUrl !== TYPE_URL.listener) return bytes;
  for (const resource of response.resources) resource.value = changed(resource.value, address);
  return toBinary(DiscoveryResponseSchema, response);
}

function withHeaderInDelta(bytes: Uint8Array, address: string): Uint8Array {
  const response = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  if (response.typeUrl !== TYPE_URL.listener) return bytes;
  for (const { resource } of response.resources) if (resource) resource.value = changed(resource.value, address);
  return toBinary(DeltaDiscoveryResponseSchema, response);
}

function changed(bytes: Uint8Array, address: string): Uint8Array<ArrayBuffer> {
  const listener = fromBinary(ListenerSchema, bytes);
  if (listener.name === "virtualInbound" || listener.name === "virtualOutbound") {
    listener.listenerFilters = [
      header,
      ...listener.listenerFilters.filter(({ name }) => name !== "envoy.filters.listener.original_dst"),
    ];
    if (listener.address?.address.case === "socketAddress") listener.address.address.value.address = address;
  }
  return toBinary(ListenerSchema, listener);
}
