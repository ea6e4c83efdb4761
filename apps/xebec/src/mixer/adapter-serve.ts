import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { runService } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { installAdapters } from "@xebec/mixer-loader";
import { adapterComponent } from "@xebec/mixer-serve";
import { monitoring } from "@xebec/platform-http";

export interface ServeFlags {
  readonly address?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly bus?: readonly string[];
  readonly name?: string;
  readonly busSeedFile?: string;
  readonly busCaFile?: string;
  readonly monitoring?: string;
}

/** `xebec adapter serve`: an adapter as a process of its own, until SIGTERM or SIGINT. */
export async function adapterServe(dir: string, flags: ServeFlags): Promise<number> {
  const { address, tlsCert, tlsKey, tlsClientCa, bus = [], name, busSeedFile, busCaFile } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new XebecError("invalid_argument", "--tls-cert and --tls-key belong together");
  const [loaded] = await installAdapters([dir]);
  if (!loaded) throw new XebecError("invalid_argument", `there is no adapter in ${dir}`);
  const metrics = createMetrics();
  const { component } = await adapterComponent(
    loaded.module,
    {
      ...(address === undefined ? {} : { address }),
      ...(tlsCert === undefined || tlsKey === undefined
        ? {}
        : {
            tls: {
              certFile: tlsCert,
              keyFile: tlsKey,
              ...(tlsClientCa === undefined ? {} : { clientCAFile: tlsClientCa }),
            },
          }),
      ...(bus.length === 0
        ? {}
        : {
            bus: {
              servers: bus,
              ...(name === undefined ? {} : { name }),
              ...(busSeedFile === undefined ? {} : { seedFile: busSeedFile }),
              ...(busCaFile === undefined ? {} : { caFile: busCaFile }),
            },
          }),
    },
    { metrics },
  );
  const page = flags.monitoring;
  const pages =
    page === undefined
      ? []
      : [monitoring({ name: loaded.info.name, address: parseAddress(page), components: [component], metrics })];
  return runService({ name: loaded.info.name, components: [component, ...pages] });
}
