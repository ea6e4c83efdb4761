import type { RemoteAdapterInfo, RemoteConfig } from "@xebec/mixer-config";
import type { RemoteFactory } from "@xebec/mixer-runtime";
import type { Adapter, AdapterInfo, HandlerContext, HandlerLimits } from "@xebec/mixer-sdk";
import { TEMPLATES } from "@xebec/mixer-sdk";
import { type WireTemplate, wireOfTemplate } from "@xebec/mixer-wire";
import type { Connection } from "@xebec/model-resources";
import { openChannel } from "./channel.ts";
import { RemoteHandler } from "./remote-handler.ts";

/** Most descriptions that are kept; more are made anew with each configuration. */
const KEPT = 1000;
/** The parameters of a handler of one of the service's own adapters, for its copy elsewhere. */
export const JSON_PARAMS = "type.googleapis.com/xebec.mixer.JsonParams";

/** Makes adapters that run elsewhere. @param limits what handlers may reach; absent: whatever there is */
export function createRemoteFactory(limits?: HandlerLimits): RemoteFactory {
  const made = new Map<string, Adapter>();
  const kept = (key: string, make: () => Adapter): Adapter => {
    let found = made.get(key);
    if (found) return found;
    found = make();
    if (made.size >= KEPT) made.clear();
    made.set(key, found);
    return found;
  };
  const open = (templates: readonly WireTemplate[], { connection, any }: RemoteConfig, context: HandlerContext) => {
    const config = any && { typeUrl: any.typeUrl, value: Buffer.from(any.value, "base64") };
    return new RemoteHandler(templates, openChannel(connection, context, limits), config);
  };
  return {
    described: (info: RemoteAdapterInfo) =>
      kept(info.version, () => {
        const { name, description, templates } = info;
        const adapter = {
          ...{ name, description, config: {}, templates: templates.map((each) => each.template.name) },
          create: (config: RemoteConfig, context: HandlerContext) => open(templates, config, context),
        };
        return adapter as unknown as Adapter;
      }),
    elsewhere: (info: AdapterInfo, connection: Connection) =>
      kept(JSON.stringify([info.name, info.templates, connection]), () => {
        const templates = info.templates.flatMap((each) => {
          const template = TEMPLATES.get(each);
          return template ? [wireOfTemplate(template)] : [];
        });
        const adapter = {
          ...info,
          create(config: object, context: HandlerContext) {
            const any = { typeUrl: JSON_PARAMS, value: Buffer.from(JSON.stringify(config)).toString("base64") };
            return open(templates, { connection, any }, context);
          },
        };
        return adapter as unknown as Adapter;
      }),
  };
}
