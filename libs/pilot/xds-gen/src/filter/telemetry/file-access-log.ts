import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { FileAccessLogSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/file/v3/file";
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "@xebec/api-envoy/envoy/extensions/access_loggers/stream/v3/stream";
import type { ExtensionProvider } from "@xebec/model-resources";
import type { Mesh } from "@xebec/pilot-snapshot";
import { DEFAULT_JSON, DEFAULT_TEXT, type Format, jsonFormat, textFormat } from "./log-format.ts";

export type AccessLog = Omit<MessageInitShape<typeof AccessLogSchema>, "$typeName" | "$unknown">;

/** The access log in a file. */
export function fileAccessLog(path: string, format: Format): AccessLog {
  const accessLogFormat = { case: "logFormat" as const, value: format };
  // The standard streams have loggers of their own: opening /dev/stdout fails after another user opened it.
  const value =
    path === "/dev/stdout"
      ? anyOf(StdoutAccessLogSchema, { accessLogFormat })
      : path === "/dev/stderr"
        ? anyOf(StderrAccessLogSchema, { accessLogFormat })
        : anyOf(FileAccessLogSchema, { path, accessLogFormat });
  return { name: "envoy.access_loggers.file", configType: { case: "typedConfig", value } };
}

/** The access log of the mesh configuration's own fields. @param path where it goes, if not to `accessLogFile` */
export function meshAccessLog(mesh: Mesh, path = mesh.accessLogFile): AccessLog {
  const { accessLogFormat, accessLogEncoding } = mesh;
  return fileAccessLog(
    path,
    accessLogEncoding === "JSON" ? jsonFormat(fieldsOf(accessLogFormat)) : textFormat(accessLogFormat || DEFAULT_TEXT),
  );
}

/** The fields of a JSON log. Invalid JSON yields the default: one invalid string must not stop the whole mesh. */
function fieldsOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Use the default.
  }
  return DEFAULT_JSON;
}

/** The access log of a provider. The built-in one has the format of the mesh configuration, as in Istio. */
export function providerFileLog(mesh: Mesh, { name, envoyFileAccessLog: settings = {} }: ExtensionProvider): AccessLog {
  const { path = "/dev/stdout", logFormat: format, omitEmptyValues = false } = settings;
  if (name.toLowerCase() === "envoy" && !format && !omitEmptyValues) return meshAccessLog(mesh, path);
  if (!format?.labels) return fileAccessLog(path, textFormat(format?.text || DEFAULT_TEXT, omitEmptyValues));
  const own = format.labels as JsonObject;
  return fileAccessLog(path, jsonFormat(Object.keys(own).length > 0 ? own : DEFAULT_JSON, omitEmptyValues));
}
