import { fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import { NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import type { Connection } from "../connection/connection.ts";
import type { DebugSource } from "./debug-source.ts";

/** The names that the workload of a proxy can look up, whether its agent asks for them or not, as Istio's `/debug/ndsz`. */
export function nameTable({ generator }: DebugSource, connection: Connection): JsonValue {
  const set = generator?.resources("nametable", connection.proxy, connection.proxyClass(generator));
  const [resource] = set?.resources.values() ?? [];
  return resource ? toJson(NameTableSchema, fromBinary(NameTableSchema, resource.bytes)) : {};
}
