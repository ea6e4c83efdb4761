import { type ConfigDump, type Json, object, string, typeOf } from "./dump.ts";
import { type Shown, sorted } from "./table.ts";

/** `istioctl proxy-config ecds`: extension configurations and what kind of filter each is. */
export function showExtensions({ extensions, sections }: ConfigDump): Shown {
  const chosen = sorted(
    extensions,
    (each) => typeOf(each.typed_config),
    ({ name }) => string(name),
  );
  return {
    header: ["ECDS NAME", "TYPE"],
    rows: chosen.map((each) => [string(each.name), typeOf(each.typed_config)]),
    type: "envoy.admin.v3.EcdsConfigDump",
    resources: sections.get("EcdsConfigDump") ?? {},
  };
}

/** `istioctl proxy-config bootstrap -o short`: the versions that the bootstrap names. */
export function bootstrapSummary({ bootstrap }: ConfigDump): string {
  const node = object(object(bootstrap?.bootstrap)?.node);
  const metadata = object(node?.metadata);
  const build = object(node?.user_agent_build_version);
  const { major_number = 0, minor_number = 0, patch = 0 } = (object(build?.version) ?? {}) as Json;
  const lines = [
    ["Istio Version", string(metadata?.ISTIO_VERSION)],
    ["Istio Proxy Version", string(object(build?.metadata)?.["revision.sha"])],
    ["Envoy Version", build ? `${major_number}.${minor_number}.${patch}` : ""],
  ];
  return lines.map(([name, value]) => `${name}: ${value || "unknown"}\n`).join("");
}

/** What Envoy's `/config_dump` has, for `istioctl proxy-config all`. */
export function everything({ sections }: ConfigDump): Json {
  return { configs: [...sections.values()] };
}
