import { freePorts } from "@xebec/testing-launch";
import { Server } from "../server.ts";

/** A service of Mixer's as `xebec run` starts it, with the files of a directory as its configuration. */
export async function startMixer(app: string, dir: string, log: string, more: readonly string[] = []) {
  const [grpc = 0, monitoring = 0] = await freePorts(2);
  const address = `127.0.0.1:${grpc}`;
  const flags = [
    ...(dir === "" ? [] : ["--configStoreURL", `fs://${dir}`]),
    ...["--address", address, "--secureAddr", ""],
    ...["--monitoringAddress", "127.0.0.1", "--monitoringPort", String(monitoring)],
    ...["--log_output_level", "default:warn", ...more],
  ];
  const server = await Server.start(app, flags, `127.0.0.1:${monitoring}`, log);
  return { server, address, monitoring: `127.0.0.1:${monitoring}` };
}
